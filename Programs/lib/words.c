/* A C program for lib.c: counts words in a hash table whose entries come from malloc. */
#include "lib.h"

struct entry { struct entry *next; int count; char word[]; };
static struct entry *table[64];

static const char text[] =
    "a page is a page is a frame when a frame is there and a fault when a frame is not there";

int main(int argc, char **argv) {
    int words = 0, distinct = 0;
    for (const char *p = text; *p;) {
        size_t n = 0;
        unsigned hash = 5381;
        while (p[n] && p[n] != ' ') hash = hash * 33 + p[n++];
        struct entry **at = &table[hash % 64];
        while (*at && (strlen((*at)->word) != n || memcmp((*at)->word, p, n))) at = &(*at)->next;
        if (!*at) {
            *at = malloc(sizeof **at + n + 1);
            **at = (struct entry){ 0, 0 };
            memcpy((*at)->word, p, n);
            (*at)->word[n] = 0;
            distinct++;
        }
        (*at)->count++;
        words++;
        p += n + (p[n] == ' ');
    }
    printf("%d words, %d distinct, %d argument%s\n", words, distinct, argc - 1, argc == 2 ? "" : "s");
    for (int i = 1; i < argc; i++) printf("  %d: %s\n", i, argv[i]);
    void *first = malloc(1000);
    free(first);
    printf("%-8s|%8s|%05d|%x|%c|%5ld|\n", "left", "right", -42, 0xbeefu, 'c', -7L);
    printf("freed memory is used again: %s\n", malloc(900) == first ? "yes" : "no");
    return 7;
}

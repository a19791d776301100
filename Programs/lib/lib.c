#include "lib.h"

void exit(int status) {
    for (;;) syscall(SYS_exit_group, status);
}

void *memcpy(void *to, const void *from, size_t count) {
    char *t = to;
    for (const char *f = from; count--;) *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t count) {
    for (char *t = to; count--;) *t++ = (char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t count) {
    const unsigned char *x = a, *y = b;
    for (; count--; x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}

size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

int strcmp(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

/* printf: d i u x p c s %, with a width, a leading 0 or -, and l. One write for each call. */
struct sink { char text[512]; size_t used; int total; };

static void put(struct sink *s, char c) {
    if (s->used == sizeof s->text) {
        syscall(SYS_write, 1, s->text, s->used);
        s->used = 0;
    }
    s->text[s->used++] = c;
    s->total++;
}

static void field(struct sink *s, const char *text, size_t length, int width, int left, char pad) {
    int blanks = width > (int)length ? width - (int)length : 0;
    if (!left) for (; blanks; blanks--) put(s, pad);
    for (size_t i = 0; i < length; i++) put(s, text[i]);
    for (; blanks; blanks--) put(s, ' ');
}

int printf(const char *format, ...) {
    struct sink s = { .used = 0, .total = 0 };
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') { put(&s, *format); continue; }
        int left = 0, width = 0, wide = 0;
        char pad = ' ', digits[24];
        for (format++; *format == '-' || *format == '0'; format++)
            if (*format == '-') left = 1; else pad = '0';
        for (; *format >= '0' && *format <= '9'; format++) width = width * 10 + *format - '0';
        for (; *format == 'l' || *format == 'z'; format++) wide = 1;
        char kind = *format;
        if (kind == 's') {
            const char *text = va_arg(arguments, const char *);
            field(&s, text, strlen(text), width, left, ' ');
        } else if (kind == 'c') {
            char c = (char)va_arg(arguments, int);
            field(&s, &c, 1, width, left, ' ');
        } else if (kind == 'd' || kind == 'i' || kind == 'u' || kind == 'x' || kind == 'p') {
            unsigned long n = kind == 'p' ? (wide = 1, (unsigned long)va_arg(arguments, void *))
                            : wide        ? va_arg(arguments, unsigned long)
                            : kind == 'd' || kind == 'i' ? (unsigned long)(long)va_arg(arguments, int)
                                          : va_arg(arguments, unsigned);
            int minus = (kind == 'd' || kind == 'i') && (long)n < 0, base = kind == 'x' || kind == 'p' ? 16 : 10;
            char *at = digits + sizeof digits;
            if (minus) n = -n;
            do *--at = "0123456789abcdef"[n % base]; while (n /= base);
            if (kind == 'p') { *--at = 'x'; *--at = '0'; }
            if (minus && pad == '0') { put(&s, '-'); width--; } else if (minus) *--at = '-';
            field(&s, at, digits + sizeof digits - at, width, left, pad);
        } else if (kind) put(&s, kind); else break;
    }
    va_end(arguments);
    syscall(SYS_write, 1, s.text, s.used);
    return s.total;
}

/* malloc: size classes of powers of two, each with a list of free blocks; fresh memory from brk.
   A freed block is used again but never given back to the kernel: watch it in the resident pages. */
struct block { struct block *next; };
static struct block *lists[48];
static char *heap, *heapEnd;

static int class(size_t size) {
    int k = 5;
    while (((size_t)1 << k) < size + 16) k++;
    return k;
}

void *malloc(size_t size) {
    if (size >> 46) return 0;
    int k = class(size);
    struct block *b = lists[k];
    if (b) {
        lists[k] = b->next;
    } else {
        size_t need = (size_t)1 << k;
        if (!heap) heap = heapEnd = (char *)((syscall(SYS_brk, 0) + 15) & -16);
        if (heapEnd - heap < (long)need) {
            char *end = heap + need + 65536;
            if ((char *)syscall(SYS_brk, end) < end) return 0;
            heapEnd = end;
        }
        b = (struct block *)heap;
        heap += need;
    }
    *(size_t *)b = k;
    return (char *)b + 16;
}

void free(void *pointer) {
    if (!pointer) return;
    struct block *b = (struct block *)((char *)pointer - 16);
    size_t k = *(size_t *)b;
    b->next = lists[k];
    lists[k] = b;
}

/* A C library of a hundred lines, for programs that run on mmuemu. Link with crt.s and lib.c:

     riscv64-linux-gnu-gcc -march=rv64ima -mabi=lp64 -O2 -ffreestanding -nostdlib -static \
         -IPrograms/lib Programs/lib/crt.s Programs/lib/lib.c prog.c -o prog
     mmuemu prog */
#ifndef LIB_H
#define LIB_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

long syscall(long number, ...);
void exit(int status) __attribute__((noreturn));
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *malloc(size_t size);
void free(void *pointer);
void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

enum { SYS_write = 64, SYS_exit_group = 94, SYS_brk = 214, SYS_munmap = 215, SYS_mmap = 222 };
#endif

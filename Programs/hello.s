# hello: the smallest program that says something.
#
# Shows:  a system call. write copies the text out of this program's memory,
#         and the kernel reads it through the same page tables.
# Watch:  the few page faults: code and text are brought in when they are first
#         touched, not when the program starts.
# Prints: Hello, paging!
# Ends:   exit 0

        .section .rodata
text:   .ascii  "Hello, paging!\n"
        .equ    length, . - text

        .text
        .globl  _start
_start:
        li      a0, 1                   # file descriptor 1: standard output
        la      a1, text                # where the bytes are
        li      a2, length              # how many
        li      a7, 64                  # system call 64: write
        ecall

        li      a0, 0                   # status 0: all is well
        li      a7, 93                  # system call 93: exit
        ecall

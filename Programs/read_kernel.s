# read_kernel: tries to read the kernel's half of the address space.
#
# Shows:  the kernel is mapped in every address space, but its entries have
#         U/S = 0: supervisor only. The upper half of the addresses is its own.
# Watch:  the story of the signal: the page is present, and yet a user may not
#         read it (error code: present, user).
# Prints: reading the kernel
# Ends:   killed by SIGSEGV (139), on purpose

        .include "lib.inc"
        .equ    DIRECT_MAP, 0xffff800000000000   # all of RAM, for the kernel

        .globl  _start
_start:
        PRINT   "reading the kernel\n"
        li      t0, DIRECT_MAP
        ld      a0, 0(t0)
        EXIT    0                       # never reached

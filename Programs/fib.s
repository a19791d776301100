# fib: Fibonacci numbers by plain recursion.
#
# Shows:  150,049 calls, and yet the stack stays within one page: the same few
#         addresses over and over.
# Watch:  hardly any TLB miss in a million and a half instructions.
# Prints: fib(24) = 46368
# Ends:   exit 0

        .include "lib.inc"
        .globl  _start
_start:
        PRINT   "fib(24) = "
        li      a0, 24
        call    fib
        mv      s0, a0
        call    print_number
        PRINT   "\n"
        li      t0, 46368
        bne     s0, t0, failed
        EXIT    0

# fib(a0): a0 for 0 and 1, else fib(a0 - 1) + fib(a0 - 2).
fib:
        li      t0, 2
        bltu    a0, t0, 1f
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s0, 16(sp)
        sd      s1, 8(sp)
        mv      s0, a0
        addi    a0, a0, -1
        call    fib
        mv      s1, a0                  # fib(n - 1)
        addi    a0, s0, -2
        call    fib
        add     a0, a0, s1
        ld      s1, 8(sp)
        ld      s0, 16(sp)
        ld      ra, 24(sp)
        addi    sp, sp, 32
1:      ret

# stack_growth: uses a megabyte of stack, as a deep recursion may.
#
# Shows:  the stack is mapped as it is touched, downwards, page by page.
# Watch:  minor faults: one for each of the 256 pages; beside stack_overflow.s,
#         which does not know when to stop.
# Prints: depth 1024
# Ends:   exit 0

        .include "lib.inc"
        .equ    FRAME, 1024

        .globl  _start
_start:
        li      a0, 1024
        call    down
        mv      s0, a0
        PRINT   "depth "
        mv      a0, s0
        call    print_number
        PRINT   "\n"
        li      t0, 1024
        bne     s0, t0, failed
        EXIT    0

# down(a0): calls itself a0 times and counts on the way back.
down:
        beqz    a0, 1f
        addi    sp, sp, -FRAME
        sd      ra, 0(sp)
        addi    a0, a0, -1
        call    down
        addi    a0, a0, 1
        ld      ra, 0(sp)
        addi    sp, sp, FRAME
1:      ret

# page_crosser: loads and stores that lie across the boundary of two pages.
#
# Shows:  a misaligned access works, but one across a page boundary needs two
#         translations: it counts two lookups and can miss or fault in either
#         page.
# Watch:  dTLB lookups: more than loads and stores together.
# Prints: 1000 crossings sum to 500500
# Ends:   exit 0

        .include "lib.inc"
        .globl  _start
_start:
        MAP     2*PAGE
        blez    a0, failed
        li      t0, PAGE-4
        add     s0, a0, t0              # four bytes in each page
        li      t0, 1
        li      t1, 1000
        li      s1, 0
1:      sd      t0, 0(s0)
        ld      t2, 0(s0)
        add     s1, s1, t2
        addi    t0, t0, 1
        bgeu    t1, t0, 1b

        lwu     t2, 0(s0)               # the low half stands in the first page
        bne     t2, t1, bad
        lwu     t2, 4(s0)               # the high half in the second
        bnez    t2, bad

        li      a0, 1000
        call    print_number
        PRINT   " crossings sum to "
        mv      a0, s1
        call    print_number
        PRINT   "\n"
        li      t0, 500500
        bne     s1, t0, bad
        EXIT    0
bad:    j       failed

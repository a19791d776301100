# sparse: sixteen pages, each a gigabyte from the next.
#
# Shows:  what a sparse address space costs. A page so far from the others needs
#         a page directory and a page table of its own: three frames for one
#         page of data.
# Watch:  page-table pages (over 32) against resident pages; the mapping of
#         16 GiB itself costs nothing.
# Prints: 16 pages over 16 GiB hold 136
# Ends:   exit 0

        .include "lib.inc"
        .equ    PIECES, 16

        .globl  _start
_start:
        MAP     PIECES << 30
        blez    a0, failed
        mv      s0, a0
        li      s1, 1 << 30             # the stride

        li      t0, 1                   # page i holds i
        mv      t1, s0
        li      t2, PIECES
1:      sd      t0, 0(t1)
        add     t1, t1, s1
        addi    t0, t0, 1
        bgeu    t2, t0, 1b

        li      s2, 0                   # add them up
        li      t0, PIECES
        mv      t1, s0
2:      ld      t3, 0(t1)
        add     s2, s2, t3
        ld      t3, 8(t1)               # the word beside it was never written
        bnez    t3, bad
        add     t1, t1, s1
        addi    t0, t0, -1
        bnez    t0, 2b

        li      a0, PIECES
        call    print_number
        PRINT   " pages over 16 GiB hold "
        mv      a0, s2
        call    print_number
        PRINT   "\n"
        li      t0, PIECES*(PIECES+1)/2
        bne     s2, t0, bad
        EXIT    0
bad:    j       failed

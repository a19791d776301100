# sequential: one array from end to end, forwards and backwards.
#
# Working set: the argument, in pages, all of it private and anonymous.

        .include "common.inc"
        .equ    PASSES, 3

        .globl  _start
_start:
        START
        MAP_PAGES s0, s1
        li      s2, 0
        li      s3, 1
        EACH    fill, zero, s1

pass:   addi    s2, s2, 1
        EACH    visit, zero, s1
        mv      s4, s1                  # and back
1:      addi    s4, s4, -1
        mv      a0, s4
        jal     visit
        bnez    s4, 1b
        li      t0, PASSES
        bltu    s2, t0, pass

        EACH    whole, zero, s1
        j       finish

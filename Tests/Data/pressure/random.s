# random: one array in random order.
#
# Working set: the argument, in pages, all of it private and anonymous. Some pages are
# visited often and some never after they were filled, the same ones in each run.

        .include "common.inc"
        .equ    PASSES, 4

        .globl  _start
_start:
        START
        MAP_PAGES s0, s1
        li      s2, 0
        li      s3, 2
        EACH    fill, zero, s1
        li      s5, 0x2545f4914f6cdd1d  # the random sequence

pass:   addi    s2, s2, 1
        mv      s4, s1
1:      RANDOM  s5, t0
        srli    a0, s5, 20
        remu    a0, a0, s1
        jal     visit
        addi    s4, s4, -1
        bnez    s4, 1b
        li      t0, PASSES
        bltu    s2, t0, pass

        EACH    whole, zero, s1
        j       finish

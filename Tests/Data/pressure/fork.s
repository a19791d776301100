# fork: children and grandchildren inherit an array, look at it, and change parts of it.
#
# Working set: the argument, in pages, private and anonymous; up to three eighths of it
# are copied in each round, by two children, a grandchild and the parent, all at work
# at once. Each process puts its checksum into a word of its own in shared memory.

        .include "common.inc"
        .equ    ROUNDS, 2

        .globl  _start
_start:
        START
        li      t0, 1
        MAP_PAGES s6, t0, MAP_SHARED|MAP_ANONYMOUS
        MAP_PAGES s0, s1
        li      s2, 0
        li      s3, 3
        EACH    fill, zero, s1

round:  addi    s2, s2, 1
        li      s5, 0                   # the child's number
1:      FORK
        beqz    a0, child
        addi    s5, s5, 1
        li      t0, 2
        bltu    s5, t0, 1b
        li      t0, 4                   # the parent changes pages of its own
        EACH    visit, t0, s1, 8
2:      REAP    s7
        CHECK_CHILD s7
        addi    s5, s5, -1
        bnez    s5, 2b
        li      t0, 4                   # what they found
        mv      t1, s6
3:      ld      t2, 0(t1)
        slli    t3, s3, 2
        add     s3, s3, t3
        add     s3, s3, t2
        addi    t1, t1, 8
        addi    t0, t0, -1
        bnez    t0, 3b
        li      t0, ROUNDS
        bltu    s2, t0, round

        EACH    whole, zero, s1         # nothing of theirs may be in it
        j       finish

# child: changes every eighth page, has its own child change every sixteenth, and looks
# at all of them.
child:  addi    s3, s5, 5
        addi    t0, s5, 2
        EACH    visit, t0, s1, 8
        FORK
        beqz    a0, grandchild
        EACH    look, zero, s1
        REAP    s7
        CHECK_CHILD s7
        j       report
grandchild:
        addi    s3, s5, 7
        addi    s5, s5, 2
        EACH    visit, s5, s1, 16
        EACH    look, zero, s1, 2
report: slli    t0, s5, 3
        add     t0, s6, t0
        sd      s3, 0(t0)
        EXIT    0

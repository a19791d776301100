# fork_chain: a child of a child of a child, eight deep, each with its own page.
#
# Shows:  every generation inherits the page as its parent had it, changes it,
#         and changes nothing for those above. A sum comes back up through the
#         exit statuses, which have 8 bits.
# Watch:  copy on write faults: about two for each generation, one for the page
#         and one for the stack on which it waits.
# Prints: 8 generations below the first, exit statuses add up to 36
# Ends:   exit 0

        .include "lib.inc"
        .equ    DEPTH, 8

        .globl  _start
_start:
        MAP     PAGE
        blez    a0, failed
        mv      s0, a0
        li      s1, 0                   # generation
next:   beqz    s1, 1f                  # nobody was there before the first
        ld      t0, 0(s0)               # the parent's mark: its generation
        addi    t1, s1, -1
        bne     t0, t1, failed
1:      sd      s1, 0(s0)
        li      s2, 0                   # the sum from below
        li      t0, DEPTH
        beq     s1, t0, back
        FORK
        bnez    a0, wait
        addi    s1, s1, 1
        j       next

wait:   REAP    s2
        andi    t0, s2, 0xff            # it was not killed
        bnez    t0, failed
        srli    s2, s2, 8
back:   ld      t0, 0(s0)               # still this one's mark?
        bne     t0, s1, failed
        beqz    s1, first
        add     a0, s2, s1
        SYSCALL exit

first:  PRINT   "8 generations below the first, exit statuses add up to "
        NUMBER  s2
        PRINT   "\n"
        li      t0, DEPTH*(DEPTH+1)/2
        bne     s2, t0, failed
        EXIT    0

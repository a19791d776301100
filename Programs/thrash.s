# thrash: two programs that each fit into memory, but not together.
#
# Shows:  each takes the pages that the other will need next. Both wait for the swap
#         area nearly all the time, and running them one after the other would be
#         many times as fast.
# Watch:  the faults; the cycles, most of which nobody computes in.
# Run:    mmuemu --rss-limit 1M --swap 16M Programs/thrash.s
# Prints: 6 rounds over 160 pages, alone: 0 faults; in turns with another such process: 0 faults
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES,  160
        .equ    ROUNDS, 6

        .globl  _start
_start:
        MAP     PAGE, sharing=MAP_SHARED
        blez    a0, failed
        mv      s1, a0
        sw      zero, 0(s1)             # whose turn it is
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      a1, PAGES               # the pages are made
        call    touch
        call    faults
        call    faults
        mv      s2, a0
        li      s3, ROUNDS
1:      mv      a0, s0
        li      a1, PAGES
        call    touch
        addi    s3, s3, -1
        bnez    s3, 1b
        call    faults
        sub     s2, a0, s2
        PRINT   "6 rounds over 160 pages, alone: "
        NUMBER  s2

        FORK
        beqz    a0, child
        li      s4, 0                   # what the turn is for us
        li      s5, 1                   # and for the other
        mv      a0, s0                  # the pages are this process's own again
        li      a1, PAGES
        call    touch
        call    faults                  # and so is the stack
        call    faults
        mv      s2, a0
        call    turns
        call    faults
        sub     s2, a0, s2
        PRINT   " faults; in turns with another such process: "
        NUMBER  s2
        PRINT   " faults\n"
        REAP    t0
        bnez    t0, failed
        mv      a0, s0
        li      a1, PAGES
        li      a2, 2*ROUNDS+2
        call    verify
        EXIT    0

child:  li      s4, 1
        li      s5, 0
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        call    turns
        mv      a0, s0
        li      a1, PAGES
        li      a2, ROUNDS
        call    verify
        EXIT    0

# turns: ROUNDS walks over the pages, each when it is our turn.
turns:  mv      s6, ra
        li      s3, ROUNDS
1:      lw      t0, 0(s1)
        beq     t0, s4, 2f
        SYSCALL sched_yield
        j       1b
2:      mv      a0, s0
        li      a1, PAGES
        call    touch
        sw      s5, 0(s1)
        addi    s3, s3, -1
        bnez    s3, 1b
        jr      s6

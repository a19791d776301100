# mlock: locked pages stay, whoever needs their frames.
#
# Shows:  mlock makes pages present and takes them out of the reach of reclaim. Their
#         neighbours, used at the same time, go when memory is short.
# Watch:  how many pages of each kind are in memory at the end.
# Run:    mmuemu --rss-limit 1M --swap 16M Programs/mlock.s
# Prints: after 640 other pages, in memory: 16 of 16 locked pages, 16 of 16 others
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 16
        .equ    OTHER, 320              # pages walked over, twice
        .equ    SYS_mlock, 228

        .globl  _start
_start:
        MAP     2*PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      t0, PAGES*PAGE
        add     s1, s0, t0
        li      a1, PAGES*PAGE
        SYSCALL mlock
        bnez    a0, failed
        mv      a0, s0
        li      a1, 2*PAGES
        call    touch
        MAP     OTHER*PAGE
        blez    a0, failed
        mv      s2, a0
        li      a1, OTHER
        call    touch
        mv      a0, s2
        li      a1, OTHER
        call    touch

        mv      a0, s0
        li      a1, PAGES
        call    in_memory
        mv      s3, a0
        mv      a0, s1
        li      a1, PAGES
        call    in_memory
        mv      s4, a0
        PRINT   "after 640 other pages, in memory: "
        NUMBER  s3
        PRINT   " of 16 locked pages, "
        NUMBER  s4
        PRINT   " of 16 others\n"
        li      t0, PAGES
        bne     s3, t0, failed
        mv      a0, s0
        li      a1, 2*PAGES
        li      a2, 1
        call    verify
        EXIT    0

# cyclic_scan: a loop over a little more memory than there is.
#
# Shows:  the page a loop needs next is the one it has not used for longest. Policies
#         that evict just that page have a fault for every access; evicting any other
#         page, even at random, keeps a part of the loop in memory.
# Watch:  the faults of 5 rounds, with one policy and with another.
# Run:    mmuemu --rss-limit 1M --swap 16M --policy fifo Programs/cyclic_scan.s
#         mmuemu --rss-limit 1M --swap 16M --policy random Programs/cyclic_scan.s
# Prints: 272 pages, 5 rounds: 0 of 1360 accesses are faults
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES,  272
        .equ    ROUNDS, 5

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      a1, PAGES               # all pages are made
        call    touch
        call    faults
        call    faults
        mv      s1, a0
        li      s2, ROUNDS
1:      mv      a0, s0
        li      a1, PAGES
        call    touch
        addi    s2, s2, -1
        bnez    s2, 1b
        call    faults
        sub     s1, a0, s1
        mv      a0, s0
        li      a1, PAGES
        li      a2, ROUNDS+1
        call    verify
        PRINT   "272 pages, 5 rounds: "
        NUMBER  s1
        PRINT   " of 1360 accesses are faults\n"
        EXIT    0

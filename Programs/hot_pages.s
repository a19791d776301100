# hot_pages: sixteen pages in steady use, while a scan over many others goes by.
#
# Shows:  what a replacement policy is for. One that looks at the accessed flags keeps
#         the pages in use and lets those of the scan go; first-in first-out does not
#         know which is which.
# Watch:  the faults on the hot pages.
# Run:    mmuemu --rss-limit 256K --swap 16M --policy fifo Programs/hot_pages.s
#         mmuemu --rss-limit 256K --swap 16M --policy two-list Programs/hot_pages.s
# Prints: 64 rounds over 16 hot pages, 512 pages scanned: 0 faults on hot ones
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    HOT,    16
        .equ    STEP,   8               # pages of the scan for a round over the hot ones
        .equ    ROUNDS, 64

        .globl  _start
_start:
        MAP     HOT*PAGE
        blez    a0, failed
        mv      s0, a0
        MAP     STEP*ROUNDS*PAGE
        blez    a0, failed
        mv      s1, a0
        mv      a0, s0
        li      a1, HOT                 # the hot pages are made
        call    touch
        call    faults
        li      s2, ROUNDS
        li      s3, 0
1:      mv      a0, s1
        li      a1, STEP
        call    touch
        li      t0, STEP*PAGE
        add     s1, s1, t0
        call    faults
        mv      s4, a0
        mv      a0, s0
        li      a1, HOT
        call    touch
        call    faults
        sub     s4, a0, s4
        add     s3, s3, s4
        addi    s2, s2, -1
        bnez    s2, 1b
        mv      a0, s0
        li      a1, HOT
        li      a2, ROUNDS+1
        call    verify
        PRINT   "64 rounds over 16 hot pages, 512 pages scanned: "
        NUMBER  s3
        PRINT   " faults on hot ones\n"
        EXIT    0

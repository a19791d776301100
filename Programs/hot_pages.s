# hot_pages: thirty-two pages in steady use, while a scan over many others goes by.
#
# Shows:  what a replacement policy is for. One that looks at the accessed flags keeps
#         the pages in use and lets those of the scan go; first-in first-out does not
#         know which is which. But flags are set by page walks: as long as a translation
#         stays in a TLB, the kernel does not see that its page is used.
# Watch:  the faults on the hot pages, with a second-level TLB and without one.
# Run:    mmuemu --rss-limit 1M --swap 16M --policy fifo Programs/hot_pages.s
#         mmuemu --rss-limit 1M --swap 16M --policy two-list Programs/hot_pages.s
#         mmuemu --rss-limit 1M --swap 16M --policy two-list --set stlb=none Programs/hot_pages.s
# Prints: 24 rounds over 32 hot pages, 128 others between: 0 faults on hot ones
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    HOT,    32
        .equ    COLD,   512
        .equ    STEP,   128             # pages of the scan for a round over the hot ones
        .equ    ROUNDS, 24

        .globl  _start
_start:
        MAP     HOT*PAGE
        blez    a0, failed
        mv      s0, a0
        MAP     COLD*PAGE
        blez    a0, failed
        mv      s1, a0
        mv      a0, s0
        li      a1, HOT                 # the hot pages are made
        call    touch
        call    faults
        li      s2, 0
        li      s3, 0
1:      slli    t0, s2, 7               # STEP pages on in each round
        andi    t0, t0, COLD-1
        slli    t0, t0, 12
        add     a0, s1, t0
        li      a1, STEP
        call    touch
        call    faults
        mv      s4, a0
        mv      a0, s0
        li      a1, HOT
        call    touch
        call    faults
        sub     s4, a0, s4
        add     s3, s3, s4
        addi    s2, s2, 1
        li      t0, ROUNDS
        bltu    s2, t0, 1b
        mv      a0, s0
        li      a1, HOT
        li      a2, ROUNDS+1
        call    verify
        PRINT   "24 rounds over 32 hot pages, 128 others between: "
        NUMBER  s3
        PRINT   " faults on hot ones\n"
        EXIT    0

# swap_readahead: swapped pages fetched in order come in groups, at random one by one.
#
# Shows:  a page that comes back from the swap area brings the pages along that lie
#         around it. Whoever goes on in order finds them in memory, and waits for the
#         swap area once for many pages. MADV_WILLNEED fetches pages that the program
#         is going to touch, and nobody waits.
# Watch:  major faults; the cycles spent waiting.
# Run:    mmuemu --swap 16M Programs/swap_readahead.s
# Prints: 256 swapped pages in order: 0 waits; out of order: 0 waits; announced: 0 waits
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 256
        .equ    JUMP,  101              # has no divisor in common with PAGES

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        PRINT   "256 swapped pages in order: "
        li      s3, 1
        li      s5, MADV_NORMAL
        call    walk
        NUMBER  s4
        PRINT   " waits; out of order: "
        li      s3, JUMP
        call    walk
        NUMBER  s4
        PRINT   " waits; announced: "
        li      s5, MADV_WILLNEED
        call    walk
        NUMBER  s4
        PRINT   " waits\n"
        mv      a0, s0
        li      a1, PAGES
        li      a2, 3
        call    verify
        EXIT    0

# walk: writes all pages, sends them out, gives the advice s5, loads from each page, s3
# pages on each time; major faults in s4.
walk:   mv      s10, ra
        mv      a0, s0
        li      a1, PAGES
        call    touch
        mv      a0, s0
        li      a1, PAGES*PAGE
        li      a2, MADV_PAGEOUT
        SYSCALL madvise
        bnez    a0, failed
        mv      a0, s0
        li      a1, PAGES*PAGE
        mv      a2, s5
        SYSCALL madvise
        bnez    a0, failed
        FAULTS  s6, s7
        li      t1, 0                   # page
        li      t2, PAGES
1:      slli    t3, t1, 12
        add     t3, t3, s0
        ld      t4, 0(t3)
        add     t1, t1, s3
        andi    t1, t1, PAGES-1
        addi    t2, t2, -1
        bnez    t2, 1b
        FAULTS  s6, s4
        sub     s4, s4, s7
        jr      s10

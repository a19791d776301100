# lazy_free: MADV_FREE gives pages back, but only if somebody needs them.
#
# Shows:  the pages stay until memory is short; then they are dropped, without being
#         written anywhere, and read as zero. A page stored to in the meantime is kept.
# Watch:  with a limit: no page of these is swapped out.
# Run:    mmuemu --rss-limit 1M --swap 16M Programs/lazy_free.s
# Prints: of 32 pages freed: 31 kept their contents, 0 are zero; the one stored to is kept
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 32
        .equ    OTHER, 320
        .equ    MADV_FREE, 8

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      a1, PAGES
        call    touch
        mv      a0, s0
        li      a1, PAGES*PAGE
        li      a2, MADV_FREE
        SYSCALL madvise
        bnez    a0, failed
        li      t0, 2
        sd      t0, 0(s0)               # this page is needed after all
        MAP     OTHER*PAGE
        blez    a0, failed
        mv      s1, a0
        li      a1, OTHER
        call    touch
        mv      a0, s1
        li      a1, OTHER
        call    touch

        li      s2, 0                   # kept
        li      s3, 0                   # zero
        li      t0, PAGES-1
        li      t3, PAGE
        add     t1, s0, t3
1:      ld      t2, 0(t1)
        seqz    t4, t2
        add     s3, s3, t4
        add     s2, s2, t2
        add     t1, t1, t3
        addi    t0, t0, -1
        bnez    t0, 1b
        PRINT   "of 32 pages freed: "
        NUMBER  s2
        PRINT   " kept their contents, "
        NUMBER  s3
        PRINT   " are zero; the one stored to is kept\n"
        li      t1, 2
        ld      t0, 0(s0)
        bne     t0, t1, failed
        add     s2, s2, s3
        li      t0, PAGES-1
        bne     s2, t0, failed
        EXIT    0

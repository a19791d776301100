# rss_limit: a limit on what may be resident, far below what there is.
#
# Shows:  a group of processes may have only so many frames. Beyond that they get a new
#         one by giving up another: the rest of the machine does not notice.
# Watch:  resident pages; with a limit, pages go out though most of the RAM is free.
# Run:    mmuemu --rss-limit 1M --swap 16M Programs/rss_limit.s
# Prints: touched 512 pages: resident memory grew by 512 pages, at most
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 512
        .equ    STEP,  32

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        mv      s1, a0
        call    resident                # brings its own pages in
        call    resident
        mv      s2, a0
        mv      s3, a0                  # the most there was
        li      s4, PAGES/STEP
1:      mv      a0, s1
        li      a1, STEP
        call    touch
        li      t0, STEP*PAGE
        add     s1, s1, t0
        call    resident
        bleu    a0, s3, 2f
        mv      s3, a0
2:      addi    s4, s4, -1
        bnez    s4, 1b
        sub     s3, s3, s2
        PRINT   "touched 512 pages: resident memory grew by "
        NUMBER  s3
        PRINT   " pages, at most\n"
        mv      a0, s0
        li      a1, PAGES
        li      a2, 1
        call    verify
        EXIT    0

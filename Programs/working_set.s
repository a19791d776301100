# working_set: more and more pages in use, until they no longer fit.
#
# Shows:  as long as the working set fits, memory costs nothing after the first touch;
#         just beyond, nearly every access is a fault, and the program runs at the speed
#         of the swap area.
# Watch:  where the faults begin; the cycles, and how they are shared.
# Run:    mmuemu --rss-limit 1M --swap 16M Programs/working_set.s
# Prints: faults in 4 rounds over 64 128 192 256 320 384 pages: 0 0 0 0 0 0
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    STEP,   64
        .equ    MOST,   384
        .equ    ROUNDS, 4

        .globl  _start
_start:
        MAP     MOST*PAGE
        blez    a0, failed
        mv      s0, a0
        PRINT   "faults in 4 rounds over 64 128 192 256 320 384 pages:"
        call    faults
        li      s1, STEP
1:      mv      a0, s0                  # the pages are made
        mv      a1, s1
        call    touch
        call    faults
        mv      s2, a0
        li      s3, ROUNDS
2:      mv      a0, s0
        mv      a1, s1
        call    touch
        addi    s3, s3, -1
        bnez    s3, 2b
        call    faults
        sub     s2, a0, s2
        PRINT   " "
        NUMBER  s2
        addi    s1, s1, STEP
        li      t0, MOST
        bleu    s1, t0, 1b
        PRINT   "\n"
        mv      a0, s0                  # the first ones were there all the time
        li      a1, STEP
        li      a2, (ROUNDS+1)*(MOST/STEP)
        call    verify
        EXIT    0

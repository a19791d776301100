# stream: copying and adding up memory from one end to the other.
#
# Shows:  sequential access is kind to a TLB: one miss serves the 512 double
#         words of a page.
# Watch:  dTLB misses: three for each thousand lookups; and page faults: one for
#         each page written, none for reading a page again.
# Prints: sum 137438691328
# Ends:   exit 0

        .include "lib.inc"
        .equ    BYTES, 4 << 20
        .equ    WORDS, BYTES/8

        .globl  _start
_start:
        MAP     BYTES
        blez    a0, failed
        mv      s0, a0                  # source
        MAP     BYTES
        blez    a0, failed
        mv      s1, a0                  # target

        li      t0, 0                   # fill: 0, 1, 2, ...
        li      t1, WORDS
        mv      t2, s0
1:      sd      t0, 0(t2)
        addi    t0, t0, 1
        addi    t2, t2, 8
        bltu    t0, t1, 1b

        mv      t2, s0                  # copy, four words at a time
        mv      t3, s1
        li      t0, BYTES
        add     t0, s0, t0
2:      ld      a0, 0(t2)
        ld      a1, 8(t2)
        ld      a2, 16(t2)
        ld      a3, 24(t2)
        sd      a0, 0(t3)
        sd      a1, 8(t3)
        sd      a2, 16(t3)
        sd      a3, 24(t3)
        addi    t2, t2, 32
        addi    t3, t3, 32
        bltu    t2, t0, 2b

        li      s2, 0                   # sum of the copy
        mv      t3, s1
        li      t0, BYTES
        add     t0, s1, t0
3:      ld      a0, 0(t3)
        add     s2, s2, a0
        addi    t3, t3, 8
        bltu    t3, t0, 3b

        PRINT   "sum "
        mv      a0, s2
        call    print_number
        PRINT   "\n"
        li      t0, WORDS*(WORDS-1)/2
        bne     s2, t0, failed
        EXIT    0

# mremap_move: pages move to another address without being copied.
#
# Shows:  mremap takes page-table entries from the old place to the new one: same
#         frames, other addresses. Reading all of it afterwards faults nowhere;
#         a copy made by hand faults once for each page.
# Watch:  zero faults: 64 for filling and 64 for the copy, none for the move, which
#         costs one flush of the context (flushes.pcid in the JSON report).
# Prints: moved 64 pages: 0 faults, copied them: 64 faults, the contents are the same
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 64
        .equ    MREMAP_MAYMOVE, 1
        .equ    MREMAP_FIXED,   2

        .globl  _start
_start:
        li      s5, PAGE
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        mv      t1, s0
        li      t0, 1                   # page p holds p + 1
        li      t2, PAGES
1:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, 1
        bleu    t0, t2, 1b
        MAP     PAGES*PAGE              # this place will be taken
        blez    a0, failed
        mv      s1, a0

        FAULTS  s6
        mv      a0, s0
        li      a1, PAGES*PAGE
        li      a2, PAGES*PAGE
        li      a3, MREMAP_MAYMOVE|MREMAP_FIXED
        mv      a4, s1
        SYSCALL mremap
        bne     a0, s1, failed
        mv      a0, s1
        call    total
        FAULTS  s7
        sub     s7, s7, s6
        PRINT   "moved 64 pages: "
        NUMBER  s7
        bnez    s7, failed

        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s2, a0
        FAULTS  s6
        mv      t1, s1
        mv      t2, s2
        li      t3, PAGES*PAGE
        add     t3, t3, s1
2:      ld      t0, 0(t1)
        sd      t0, 0(t2)
        addi    t1, t1, 8
        addi    t2, t2, 8
        bltu    t1, t3, 2b
        FAULTS  s7
        sub     s7, s7, s6
        PRINT   " faults, copied them: "
        NUMBER  s7
        li      t0, PAGES
        bne     s7, t0, failed
        mv      a0, s2
        call    total
        PRINT   " faults, the contents are the same\n"
        EXIT    0

# total: checks the sum of the first words of the pages at a0.
total:  li      t2, PAGES
        li      t3, 0
1:      ld      t0, 0(a0)
        add     t3, t3, t0
        add     a0, a0, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        li      t0, PAGES*(PAGES+1)/2
        bne     t3, t0, failed
        ret

# sparse_fork: forking 64 GiB of address space of which 16 pages are used.
#
# Shows:  fork pays for areas, tables and pages, and not for addresses. 64 GiB that
#         nothing was written to are one area more, whatever their size; 16 pages,
#         each 4 GiB from the next, cost the two tables each that lead there.
# Watch:  page-table pages: twice the 32 that lead to the 16 pages, and some.
# Prints: fork with 64 GiB more: at most 1.5 times as long, with 16 pages there: at most 8
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 16
        .equ    STEP,  4 << 30

        .globl  _start
_start:
        li      s5, STEP
        li      s0, 0
        call    measure                 # makes the stack its own
        MAP     PAGE                    # one small area
        blez    a0, failed
        call    measure
        mv      s2, s6
        MAP     PAGES*STEP
        blez    a0, failed
        mv      s1, a0
        call    measure
        mv      s3, s6
        mv      t1, s1
        li      t2, PAGES               # the pages hold 16, 15, ..., 1
1:      sd      t2, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        mv      s0, s1                  # the child looks at them
        call    measure
        mv      s4, s6
        PRINT   "fork with 64 GiB more: at most 1.5 times as long, "
        srli    t0, s2, 1
        add     t0, t0, s2
        bltu    t0, s3, failed
        PRINT   "with 16 pages there: at most 8\n"
        slli    t0, s2, 3
        bltu    t0, s4, failed
        EXIT    0

# measure: forks; cycles until the parent goes on in s6. The child adds up the
# pages at s0, if there are any.
measure:
        rdcycle s6
        FORK
        rdcycle s7
        beqz    a0, 1f
        sub     s6, s7, s6
        REAP    t0
        bnez    t0, failed
        ret
1:      beqz    s0, 3f
        li      t2, PAGES
        li      t3, 0
2:      ld      t0, 0(s0)
        add     t3, t3, t0
        add     s0, s0, s5
        addi    t2, t2, -1
        bnez    t2, 2b
        li      t0, PAGES*(PAGES+1)/2
        bne     t3, t0, failed
3:      EXIT    0

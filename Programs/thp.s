# thp: loads all over 16 MiB, which 4,096 small pages hold or 8 huge ones.
#
# Shows:  what transparent huge pages save. The program asks for nothing; the
#         kernel gives 2 MiB at a time under --thp always, 4 KiB under --thp never
#         (and under madvise, the default, since nothing here calls madvise).
# Watch:  page faults (of MAP_POPULATE: thousands, or a few), dTLB and STLB misses,
#         page walks and their entry reads: run it under both and let 'mmuemu
#         compare' tell.
# Prints: 40000 loads from 4096 pages sum to 82117142
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 4096
        .equ    LOADS, 40000
        .equ    MAP_POPULATE, 0x8000

        .globl  _start
_start:
        MAP     PAGES*PAGE, sharing=MAP_PRIVATE|MAP_POPULATE
        blez    a0, failed
        mv      s0, a0
        li      s5, PAGE

        li      t0, 0                   # page i holds i
        li      t2, PAGES
        mv      t1, s0
1:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, 1
        bltu    t0, t2, 1b

        li      s1, 88172645463325252   # the seed
        li      s2, 0                   # the sum
        li      s3, LOADS
        li      s4, PAGES-1
2:      RANDOM  s1, t0
        and     t0, s1, s4              # a page
        slli    t1, t0, 12
        add     t1, t1, s0
        ld      t2, 0(t1)
        bne     t2, t0, failed
        add     s2, s2, t2
        addi    s3, s3, -1
        bnez    s3, 2b

        li      a0, LOADS
        call    print_number
        PRINT   " loads from "
        li      a0, PAGES
        call    print_number
        PRINT   " pages sum to "
        NUMBER  s2
        PRINT   "\n"
        EXIT    0

# leak: a memory leak, and how to see it: resident memory that only grows.
#
# Shows:  each round maps 16 pages and writes to them. Who forgets munmap keeps
#         them: the second number of /proc/self/statm grows by 16 each round, and
#         does not where they are unmapped.
# Watch:  resident pages: at most 16 for each of the four leaking rounds, and 16
#         for all the others together.
# Prints: resident pages grow by 16 16 16 16 with the leak, by 0 0 0 0 without
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .equ    PAGES,  16
        .equ    ROUNDS, 4

        .globl  _start
_start:
        call    resident                # brings its own pages in
        PRINT   "resident pages grow by "
        li      s1, 0                   # keep them
        call    rounds
        PRINT   "with the leak, by "
        li      s1, 1
        call    rounds
        PRINT   "without\n"
        EXIT    0

# rounds: works with 16 pages at a time; unmaps them if s1 is not 0.
rounds: mv      s10, ra
        li      s2, ROUNDS
        li      s5, PAGE
1:      call    resident
        mv      s3, a0
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s4, a0
        mv      t1, a0
        li      t2, PAGES
2:      sd      t2, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 2b
        beqz    s1, 3f
        mv      a0, s4
        li      a1, PAGES*PAGE
        SYSCALL munmap
        bnez    a0, failed
3:      call    resident
        sub     s3, a0, s3
        NUMBER  s3
        li      t0, PAGES               # what must have been added
        beqz    s1, 4f
        li      t0, 0
4:      bne     s3, t0, failed
        PRINT   " "
        addi    s2, s2, -1
        bnez    s2, 1b
        jr      s10

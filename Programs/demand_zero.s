# demand_zero: the program counts its own page faults.
#
# Shows:  a fresh mapping has no memory behind it. Reading a page maps the one
#         shared page of zeros; writing gives it a frame of its own, which is a
#         second fault if it had been read before.
# Watch:  minor faults; resident pages stay far below the 256 that are mapped.
# Prints: read 10 pages: 10 faults, write them: 10 faults, write 10 others: 10 faults
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 256

        .globl  _start
_start:
        li      a0, 0
        li      a1, PAGES*PAGE
        li      a2, PROT_READ|PROT_WRITE
        li      a3, MAP_PRIVATE|MAP_ANONYMOUS
        li      a4, -1
        li      a5, 0
        li      a7, SYS_mmap
        ecall
        blez    a0, failed
        mv      s0, a0
        li      s5, PAGE
        FAULTS  s1

        li      t0, 10                  # read ten pages
        mv      t1, s0
1:      ld      t2, 0(t1)
        bnez    t2, bad
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 1b
        FAULTS  s2

        li      t0, 10                  # write the same ten
        mv      t1, s0
2:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 2b
        FAULTS  s3

        li      t0, 10                  # write the ten that follow
3:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 3b
        FAULTS  s4

        sub     s4, s4, s3
        sub     s3, s3, s2
        sub     s2, s2, s1
        PRINT   "read 10 pages: "
        mv      a0, s2
        call    print_number
        PRINT   " faults, write them: "
        mv      a0, s3
        call    print_number
        PRINT   " faults, write 10 others: "
        mv      a0, s4
        call    print_number
        PRINT   " faults\n"
        li      t0, 10
        bne     s2, t0, bad
        bne     s3, t0, bad
        bne     s4, t0, bad
        EXIT    0
bad:    j       failed

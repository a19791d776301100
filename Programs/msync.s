# msync: how the kernel learns which pages of a mapped file are dirty.
#
# Shows:  a clean page of a file on the disk is mapped without R/W, so the first
#         store faults and marks it dirty; further stores cost nothing. msync
#         writes the pages back and takes R/W away, so the next store faults again.
# Watch:  file faults: 8 for the stores, one or two for all the reads (pages
#         around come along), three for the program itself. Nothing is copied.
# Prints: 4 clean pages, stores: 4 faults, again: 0, after msync: 4
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 4
        .equ    MS_SYNC, 4

        .globl  _start
_start:
        NEW_FILE s0
        li      s5, PAGE
        mv      a0, s0
        la      a1, data
        li      a2, PAGES*PAGE
        li      a3, 0
        SYSCALL pwrite64
        li      t0, PAGES*PAGE
        bne     a0, t0, failed
        mv      a0, s0                  # the pages are clean now
        SYSCALL fsync
        bnez    a0, failed
        MAP_FILE s0, PAGES*PAGE
        mv      s1, a0

        mv      t1, s1                  # reading changes nothing about that
        li      t2, PAGES
1:      ld      t3, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        call    store
        PRINT   "4 clean pages, stores: "
        NUMBER  s2
        li      t0, PAGES
        bne     s2, t0, failed
        call    store
        PRINT   " faults, again: "
        NUMBER  s2
        bnez    s2, failed
        mv      a0, s1
        li      a1, PAGES*PAGE
        li      a2, MS_SYNC
        SYSCALL msync
        bnez    a0, failed
        call    store
        PRINT   ", after msync: "
        NUMBER  s2
        PRINT   "\n"
        li      t0, PAGES
        bne     s2, t0, failed
        EXIT    0

# store: writes to each page; s2 is the number of faults.
store:  FAULTS  s6
        mv      t1, s1
        li      t2, PAGES
1:      sd      t2, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        FAULTS  s7
        sub     s2, s7, s6
        ret

        .bss
        .balign 8
data:   .skip   PAGES*PAGE

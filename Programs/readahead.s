# readahead: a file read in order waits for the disk a few times, at random always.
#
# Shows:  whoever reads a file in order is given the next pages before it asks for
#         them, in windows that grow. MADV_RANDOM switches that off, and a walk
#         over all pages out of order waits for each of them (a major fault).
# Watch:  major faults; the cycles, nearly all of them spent waiting for the disk.
# Prints: 256 pages in order: fewer than 16 waits; out of order: 256 waits
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 256
        .equ    MANY,  16
        .equ    JUMP,  101              # has no divisor in common with PAGES
        .equ    MADV_RANDOM, 1
        .equ    MADV_SEQUENTIAL, 2
        .equ    POSIX_FADV_DONTNEED, 4

        .globl  _start
_start:
        li      s5, PAGE
        NEW_FILE s0
        li      s1, PAGES
1:      mv      a0, s0
        la      a1, page
        mv      a2, s5
        SYSCALL write
        bne     a0, s5, failed
        addi    s1, s1, -1
        bnez    s1, 1b
        mv      a0, s0
        SYSCALL fsync
        bnez    a0, failed

        li      s2, MADV_SEQUENTIAL
        li      s3, 1
        call    walk
        PRINT   "256 pages in order: "
        li      t0, MANY
        bgeu    s4, t0, failed
        beqz    s4, failed
        PRINT   "fewer than 16 waits; out of order: "
        li      s2, MADV_RANDOM
        li      s3, JUMP
        call    walk
        NUMBER  s4
        PRINT   " waits\n"
        li      t0, PAGES
        bne     s4, t0, failed
        EXIT    0

# walk: drops the file from memory, maps it with advice s2, and loads from each
# page, s3 pages on each time; major faults in s4.
walk:   mv      s10, ra
        mv      a0, s0
        li      a1, 0
        li      a2, 0
        li      a3, POSIX_FADV_DONTNEED
        SYSCALL fadvise64
        bnez    a0, failed
        MAP_FILE s0, PAGES*PAGE
        mv      s1, a0
        li      a1, PAGES*PAGE
        mv      a2, s2
        SYSCALL madvise
        bnez    a0, failed
        FAULTS  s6, s7
        li      t1, 0                   # page
        li      t2, PAGES
1:      mul     t3, t1, s5
        add     t3, t3, s1
        ld      t4, 0(t3)
        add     t1, t1, s3
        andi    t1, t1, PAGES-1
        addi    t2, t2, -1
        bnez    t2, 1b
        FAULTS  s6, s4
        sub     s4, s4, s7
        mv      a0, s1
        li      a1, PAGES*PAGE
        SYSCALL munmap
        bnez    a0, failed
        jr      s10

        .data
        .balign 8
page:   .fill   PAGE/8, 8, 0x0123456789abcdef

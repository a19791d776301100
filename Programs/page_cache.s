# page_cache: the same file read cold, from the disk, and warm, from memory.
#
# Shows:  fsync and POSIX_FADV_DONTNEED empty the page cache of this file; mincore
#         says what is in it. Cold, a touch waits for the disk (a major fault),
#         and the pages around come along. Warm, all faults are minor.
# Watch:  major faults; the cycles, nearly all of which were spent waiting.
# Prints: cold: 0 pages cached, it waits; warm: 32 pages cached, 0 waits, over 10 times as fast
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 32
        .equ    POSIX_FADV_DONTNEED, 4

        .globl  _start
_start:
        li      s5, PAGE
        NEW_FILE s0
        li      s1, PAGES
1:      mv      a0, s0                  # every page has something in it
        la      a1, page
        mv      a2, s5
        SYSCALL write
        bne     a0, s5, failed
        addi    s1, s1, -1
        bnez    s1, 1b
        mv      a0, s0                  # only clean pages can be dropped
        SYSCALL fsync
        bnez    a0, failed
        mv      a0, s0
        li      a1, 0
        li      a2, 0
        li      a3, POSIX_FADV_DONTNEED
        SYSCALL fadvise64
        bnez    a0, failed

        call    touch
        mv      s9, s8
        PRINT   "cold: "
        NUMBER  s2
        PRINT   " pages cached, it waits; warm: "
        bnez    s2, failed
        beqz    s3, failed
        call    touch
        NUMBER  s2
        PRINT   " pages cached, "
        NUMBER  s3
        PRINT   " waits, over 10 times as fast\n"
        li      t0, PAGES
        bne     s2, t0, failed
        bnez    s3, failed
        li      t0, 10
        mul     s8, s8, t0
        bgeu    s8, s9, failed
        EXIT    0

# touch: maps the file, counts its cached pages in s2, reads a word of each; major
# faults in s3, nanoseconds in s8.
touch:  mv      s10, ra
        MAP_FILE s0, PAGES*PAGE
        mv      s1, a0
        li      a1, PAGES*PAGE
        la      a2, cached
        SYSCALL mincore
        bnez    a0, failed
        la      t0, cached
        li      s2, 0
        li      t1, PAGES
1:      lbu     t2, 0(t0)
        andi    t2, t2, 1
        add     s2, s2, t2
        addi    t0, t0, 1
        addi    t1, t1, -1
        bnez    t1, 1b
        FAULTS  s6, s3
        call    now
        mv      s8, a0
        mv      t1, s1
        li      t2, PAGES
2:      ld      t3, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 2b
        call    now
        sub     s8, a0, s8
        FAULTS  s7, s4
        sub     s3, s4, s3
        mv      a0, s1
        li      a1, PAGES*PAGE
        SYSCALL munmap
        jr      s10

# now: the clock, in nanoseconds.
now:    li      a0, 1                   # CLOCK_MONOTONIC
        la      a1, time
        SYSCALL clock_gettime
        ld      t0, time
        ld      a0, time+8
        li      t1, 1000000000
        mul     t0, t0, t1
        add     a0, a0, t0
        ret

        .data
        .balign 8
page:   .fill   PAGE/8, 8, 0x0123456789abcdef
        .bss
        .balign 8
time:   .skip   16
cached: .skip   PAGES

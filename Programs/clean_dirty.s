# clean_dirty: when memory is short, clean pages of files go first and cost nothing.
#
# Shows:  a clean page of a file is dropped: the disk has it. A dirty one has to be
#         written to its file before its frame is free. Neither needs a swap area.
# Watch:  how many of each are still in memory, and what was written to the disk.
# Run:    mmuemu --rss-limit 1M --swap 16M Programs/clean_dirty.s
# Prints: after 320 other pages, in memory: 32 of 32 clean, 32 of 32 dirty; 0 pages written
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 32
        .equ    OTHER, 320

        .globl  _start
_start:
        li      s5, PAGE
        NEW_FILE s0
        li      s1, 2*PAGES
1:      mv      a0, s0                  # every page has something in it
        la      a1, page
        mv      a2, s5
        SYSCALL write
        bne     a0, s5, failed
        addi    s1, s1, -1
        bnez    s1, 1b
        mv      a0, s0
        SYSCALL fsync
        bnez    a0, failed
        MAP_FILE s0, 2*PAGES*PAGE
        mv      s0, a0
        li      t0, PAGES*PAGE
        add     s1, s0, t0
        li      a1, PAGES               # the first half is read
        li      a2, 1
        call    verify
        mv      a0, s1
        li      a1, PAGES               # the second half is written
        call    touch
        COUNT   vmstat, "pgpgout "
        mv      s2, a0

        MAP     OTHER*PAGE
        blez    a0, failed
        mv      s6, a0
        li      a1, OTHER
        call    touch
        mv      a0, s0
        li      a1, PAGES
        call    in_memory
        mv      s3, a0
        mv      a0, s1
        li      a1, PAGES
        call    in_memory
        mv      s4, a0
        PRINT   "after 320 other pages, in memory: "
        NUMBER  s3
        PRINT   " of 32 clean, "
        NUMBER  s4
        PRINT   " of 32 dirty; "
        COUNT   vmstat, "pgpgout "
        sub     s2, a0, s2
        srli    s2, s2, 2               # KiB to pages
        NUMBER  s2
        PRINT   " pages written\n"
        mv      a0, s0
        li      a1, PAGES
        li      a2, 1
        call    verify
        mv      a0, s1
        li      a1, PAGES
        li      a2, 2
        call    verify
        EXIT    0

        .data
        .balign 8
page:   .fill   PAGE/8, 8, 1

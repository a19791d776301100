# fragmentation: much memory is free, but in single frames.
#
# Shows:  of many pages every other one is given back. The frames between are in use, so
#         those that came back stay single: nothing that wants two or more in a row can
#         have them. A new area of single pages takes them first.
# Watch:  the free blocks of one frame, the first number of /proc/buddyinfo. A core keeps
#         up to 384 free frames apart for its next pages; the others get there.
# Run:    mmuemu Programs/fragmentation.s
# Prints: gave back every other of 2048 pages: 1024 frames and 660 single blocks more are free; new pages took 1025
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .ifndef PAGES
        .equ    PAGES, 2048
        .endif

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        MAP     PAGES/2*PAGE            # for later; its tables come now
        blez    a0, failed
        mv      s1, a0
        sd      zero, 0(s1)
        mv      a0, s0
        li      a1, PAGES
        call    touch
        call    free                    # brings its own pages in
        call    free
        mv      s4, s2
        mv      s5, s3

        li      s6, PAGES/2
1:      mv      a0, s0
        li      a1, PAGE
        SYSCALL munmap
        bnez    a0, failed
        li      t0, 2*PAGE
        add     s0, s0, t0
        addi    s6, s6, -1
        bnez    s6, 1b
        call    free
        PRINT   "gave back every other of "
        li      s6, PAGES
        NUMBER  s6
        PRINT   " pages: "
        sub     a0, s2, s4
        call    print_number
        PRINT   " frames and "
        sub     a0, s3, s5
        call    print_number
        PRINT   " single blocks more are free; new pages took "
        mv      s4, s2

        mv      a0, s1
        li      a1, PAGES/2
        call    touch
        call    free
        sub     a0, s4, s2
        addi    a0, a0, 1               # the one that came before
        call    print_number
        PRINT   "\n"
        EXIT    0

# free: free frames in s2; in s3 free blocks of one frame, in the zone that is used first.
free:   mv      s7, ra
        COUNT   buddyinfo, "Normal"
        bnez    a0, 1f
        COUNT   buddyinfo, "DMA32"
1:      mv      s3, a0
        COUNT   meminfo, "MemFree:"
        srli    s2, a0, 2               # KiB to pages
        jr      s7

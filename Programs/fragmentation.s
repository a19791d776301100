# fragmentation: much memory is free, but in single frames.
#
# Shows:  512 pages, of which every other one is given back. The frames between are in
#         use, so those that came back stay single: nothing that wants two or more in a
#         row can have them. A new area of single pages takes them first.
# Watch:  /proc/buddyinfo: free blocks of 1, 2, 4, ... frames. The program checks the
#         first number where there is such a file.
# Prints: gave back every other of 512 pages: 256 frames more are free; 256 new pages took 256
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 512
        .equ    MANY,  128              # most of PAGES/2

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
        PRINT   "gave back every other of 512 pages: "
        sub     a0, s2, s4
        call    print_number
        PRINT   " frames more are free; 256 new pages took "
        sub     s5, s3, s5              # single blocks more
        mv      s4, s2
        mv      s6, s3

        mv      a0, s1
        li      a1, PAGES/2
        call    touch
        call    free
        sub     a0, s4, s2
        addi    a0, a0, 1               # the one that came before
        call    print_number
        PRINT   "\n"
        beqz    s6, 2f                  # no such file
        li      t0, MANY
        bltu    s5, t0, failed
        sub     t1, s6, s3
        bltu    t1, t0, failed
2:      EXIT    0

# free: free frames in s2, free blocks of one frame in s3.
free:   mv      s7, ra
        COUNT   buddyinfo, "Normal"
        mv      s3, a0
        COUNT   meminfo, "MemFree:"
        srli    s2, a0, 2               # KiB to pages
        jr      s7

# cat: copies standard input to standard output.
#
# Shows:  system calls with buffers: the kernel writes into this program's pages
#         and reads from them, through the same TLB, as the supervisor.
# Watch:  system calls, and the kernel's share of the cycles.
# Try:    mmuemu Programs/cat.s < README.md
# Prints: what it reads
# Ends:   exit 0

        .include "lib.inc"
        .equ    SIZE, 64 << 10

        .globl  _start
_start:
        la      s0, buffer
more:   li      a0, 0                   # read(0, buffer, SIZE)
        mv      a1, s0
        li      a2, SIZE
        li      a7, SYS_read
        ecall
        bltz    a0, failed
        beqz    a0, done                # end of input
        mv      s1, s0
        mv      s2, a0
rest:   li      a0, 1                   # write may take less than all
        mv      a1, s1
        mv      a2, s2
        li      a7, SYS_write
        ecall
        blez    a0, failed
        add     s1, s1, a0
        sub     s2, s2, a0
        bnez    s2, rest
        j       more
done:   EXIT    0

        .bss
buffer: .skip   SIZE

# pcid: two processes hand a token back and forth and keep their TLB entries.
#
# Shows:  a process-context id tells apart the translations of two address spaces,
#         so a switch between them need not throw any away.
# Watch:  page walks, and compare --set pcid=off, where every switch empties the
#         TLBs: over a hundred times as many walks, almost three times the user cycles.
# Prints: the token was passed 1000 times, each process used 24 pages between
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES,  24
        .equ    ROUNDS, 500

        .globl  _start
_start:
        la      a0, there
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        la      a0, back
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        li      s5, PAGE
        li      s2, ROUNDS
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        FORK
        beqz    a0, child

        lw      s3, there+4
        lw      s4, back
1:      call    work
        call    pass
        call    take
        addi    s2, s2, -1
        bnez    s2, 1b
        REAP    t0
        bnez    t0, failed
        ld      s6, token
        PRINT   "the token was passed "
        NUMBER  s6
        PRINT   " times, each process used 24 pages between\n"
        li      t0, 2*ROUNDS
        bne     s6, t0, failed
        j       check

child:  lw      s3, back+4
        lw      s4, there
2:      call    take
        call    work
        call    pass
        addi    s2, s2, -1
        bnez    s2, 2b
check:  ld      t0, 0(s0)               # as often as there were rounds
        li      t1, ROUNDS
        bne     t0, t1, failed
        EXIT    0

# work: adds one to each page.
work:   mv      t1, s0
        li      t2, PAGES
1:      ld      t0, 0(t1)
        addi    t0, t0, 1
        sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        ret

# pass: writes the token, one larger, to s3; take: reads it from s4.
pass:   la      a1, token
        ld      t0, 0(a1)
        addi    t0, t0, 1
        sd      t0, 0(a1)
        mv      a0, s3
        li      a2, 8
        SYSCALL write
        li      t0, 8
        bne     a0, t0, failed
        ret
take:   mv      a0, s4
        la      a1, token
        li      a2, 8
        SYSCALL read
        li      t0, 8
        bne     a0, t0, failed
        ret

        .bss
        .balign 8
there:  .skip   8                       # pipes: to read from, to write to
back:   .skip   8
token:  .skip   8

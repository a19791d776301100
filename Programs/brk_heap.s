# brk_heap: a linked list on a heap that grows by brk.
#
# Shows:  moving the break only promises memory; a page arrives when it is first
#         written. Giving the memory back and asking again yields zeros.
# Watch:  page faults: some 80 for 20,000 nodes of 16 bytes, one for each page,
#         however often the break moves.
# Prints: 20000 nodes hold 200010000
# Ends:   exit 0

        .include "lib.inc"
        .equ    NODES, 20000
        .equ    NODE, 16                # a number and a pointer to the next node
        .equ    STEP, 64 << 10          # the break moves by so much

        .globl  _start
_start:
        li      a0, 0                   # brk(0) tells where the break is
        li      a7, SYS_brk
        ecall
        mv      s0, a0                  # the heap begins here
        mv      s1, a0                  # first free byte
        mv      s2, a0                  # the break
        li      s3, 0                   # head of the list
        li      s4, 1
        li      s5, NODES

build:  addi    t0, s1, NODE            # room for one more?
        bgeu    s2, t0, 1f
        li      t1, STEP
        add     a0, s2, t1
        mv      s6, a0
        li      a7, SYS_brk
        ecall
        bne     a0, s6, failed
        mv      s2, a0
1:      sd      s4, 0(s1)               # number
        sd      s3, 8(s1)               # next: the node made before
        mv      s3, s1
        addi    s1, s1, NODE
        addi    s4, s4, 1
        bgeu    s5, s4, build

        li      s7, 0                   # walk the list
2:      ld      t0, 0(s3)
        add     s7, s7, t0
        ld      s3, 8(s3)
        bnez    s3, 2b

        mv      a0, s0                  # give it all back ...
        li      a7, SYS_brk
        ecall
        bne     a0, s0, failed
        li      t0, PAGE
        add     a0, s0, t0              # ... and take one page again
        li      a7, SYS_brk
        ecall
        ld      t0, 0(s0)
        bnez    t0, failed              # it must be zero now

        li      a0, NODES
        call    print_number
        PRINT   " nodes hold "
        mv      a0, s7
        call    print_number
        PRINT   "\n"
        li      t0, NODES*(NODES+1)/2
        bne     s7, t0, failed
        EXIT    0

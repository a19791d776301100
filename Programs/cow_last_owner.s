# cow_last_owner: the last owner of a shared page keeps it, without a copy.
#
# Shows:  while two processes hold a page, a write copies it. Once the other one
#         has its copy, a write only sets R/W again: a fault as well, but no
#         frame and no copying, so it is cheaper. After that a write is just a write.
# Watch:  copy on write faults: 16 in each process, and four for stack and data.
# Prints: parent copied 16 pages in 16 faults, child kept 16 in 16 cheaper ones, then 0
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 16

        .globl  _start
_start:
        la      a0, ends
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      s5, PAGE
        call    write_all
        FORK
        beqz    a0, child

        call    write_all               # the child holds all of them
        mv      s1, a0
        mv      s2, a1
        PRINT   "parent copied 16 pages in "
        NUMBER  s1
        li      t0, PAGES
        bne     s1, t0, failed
        la      a1, cycles              # the child may go on, and learns the price
        sd      s2, 0(a1)
        lw      a0, ends+4
        li      a2, 8
        SYSCALL write
        REAP    t0
        bnez    t0, failed
        call    write_all               # all are its own now
        mv      s1, a0
        PRINT   " cheaper ones, then "
        NUMBER  s1
        PRINT   "\n"
        bnez    s1, failed
        EXIT    0

child:  lw      a0, ends
        la      a1, cycles
        li      a2, 8
        SYSCALL read
        call    write_all               # nobody else holds them any more
        mv      s1, a0
        mv      s2, a1
        PRINT   " faults, child kept 16 in "
        NUMBER  s1
        li      t0, PAGES
        bne     s1, t0, failed
        ld      t0, cycles
        bgeu    s2, t0, failed
        EXIT    0

# write_all: stores to each page; faults in a0, cycles in a1.
write_all:
        FAULTS  s6                      # makes the stack its own
        FAULTS  s6
        rdcycle s7
        mv      t1, s0
        li      t2, PAGES
1:      sd      t2, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        rdcycle s8
        FAULTS  s9
        sub     a0, s9, s6
        sub     a1, s8, s7
        ret

        .bss
        .balign 8
ends:   .skip   8                       # of a pipe: to read from, to write to
cycles: .skip   8

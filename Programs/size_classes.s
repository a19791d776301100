# size_classes: a malloc with a list of free blocks for each size.
#
# Shows:  freed blocks go to a list and are handed out again, so a second round of
#         the same requests needs no memory from the kernel: the break stays, no
#         page faults. Nor is memory given back: the pages stay resident.
# Watch:  zero faults: nearly all in the first round; system calls: few, since
#         the break moves by 64 KiB.
# Prints: round 1: 177 new pages, round 2: 0, after freeing it all: 177 still resident
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .equ    BLOCKS,  1000
        .equ    CLASSES, 8              # 16, 32, ..., 2048 bytes
        .equ    STEP,    64 << 10       # the break moves by so much

        .globl  _start
_start:
        li      a0, 0
        SYSCALL brk
        mv      s1, a0                  # next byte never handed out
        mv      s2, a0                  # the break
        li      s5, PAGE
        la      t0, table               # bring in what is no block
        la      t1, data_end
1:      sd      zero, 0(t0)
        add     t0, t0, s5
        bltu    t0, t1, 1b
        call    resident
        call    resident
        mv      s3, a0

        FAULTS  s6
        call    round
        FAULTS  s7
        mv      s8, s2
        call    round
        FAULTS  s9
        sub     s10, s7, s6
        sub     s9, s9, s7
        PRINT   "round 1: "
        NUMBER  s10
        PRINT   " new pages, round 2: "
        NUMBER  s9
        bnez    s9, failed
        bne     s8, s2, failed          # the break
        call    resident
        sub     s11, a0, s3
        PRINT   ", after freeing it all: "
        NUMBER  s11
        PRINT   " still resident\n"
        bne     s10, s11, failed
        EXIT    0

# round: takes blocks of random sizes, writes to them, and gives them all back.
round:  addi    sp, sp, -16
        sd      ra, 0(sp)
        li      s4, 88172645463325252   # the same sizes in every round
        la      t6, table
        li      t5, 8*BLOCKS
        add     t5, t5, t6
1:      RANDOM  s4, t0
        andi    a0, s4, 1023
        addi    a0, a0, 1
        call    take
        sd      a0, 0(t6)
        addi    t6, t6, 8
        bltu    t6, t5, 1b
2:      addi    t6, t6, -8
        ld      a0, 0(t6)
        call    give
        la      t0, table
        bltu    t0, t6, 2b
        ld      ra, 0(sp)
        addi    sp, sp, 16
        ret

# take(bytes): a block; its class stands in the 8 bytes before it.
take:   addi    a0, a0, 8
        li      t1, 16                  # the class that is large enough
        la      t2, free
1:      bleu    a0, t1, 2f
        slli    t1, t1, 1
        addi    t2, t2, 8
        j       1b
2:      ld      a0, 0(t2)
        beqz    a0, 3f
        ld      t0, 0(a0)               # the first of the list
        sd      t0, 0(t2)
        ret
3:      add     t0, s1, t1              # none: cut a new one
        bleu    t0, s2, 4f
        mv      t3, t1
        li      t1, STEP
        add     a0, s2, t1
        mv      t4, a0
        SYSCALL brk
        bne     a0, t4, failed
        mv      s2, a0
        mv      t1, t3
4:      sd      t2, 0(s1)
        addi    a0, s1, 8
        add     s1, s1, t1
        ret

# give(block): back to the list of its class.
give:   ld      t2, -8(a0)
        ld      t0, 0(t2)
        sd      t0, 0(a0)
        sd      a0, 0(t2)
        ret

        .bss
        .balign PAGE
table:  .skip   8*BLOCKS                # blocks handed out
free:   .skip   8*CLASSES               # for each class its first free block
data_end:

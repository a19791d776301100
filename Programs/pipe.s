# pipe: one process sends numbers to another.
#
# Shows:  a pipe holds 64 KiB; who finds it full or empty waits, and the other
#         one runs. When the last writer closes its end, the reader reads 0.
# Watch:  two processes that take turns; system calls that were restarted.
# Prints: received 40000 numbers, sum 799980000
# Ends:   exit 0

        .include "lib.inc"
        .equ    NUMBERS, 40000
        .equ    BATCH,   500            # numbers in one write

        .globl  _start
_start:
        la      s0, ends
        mv      a0, s0
        li      a1, 0
        li      a7, SYS_pipe2
        ecall
        bnez    a0, bad
        lw      s1, 0(s0)               # to read from
        lw      s2, 4(s0)               # to write to
        FORK
        beqz    a0, sender

        mv      a0, s2                  # else there would always be a writer
        li      a7, SYS_close
        ecall
        li      s3, 0                   # numbers received
        li      s4, 0                   # their sum
receive:
        mv      a0, s1
        la      a1, buffer
        li      a2, BATCH*8
        li      a7, SYS_read
        ecall
        bltz    a0, bad
        beqz    a0, finish
        andi    t0, a0, 7               # writes of up to 4096 bytes stay whole
        bnez    t0, bad
        la      t1, buffer
        add     t2, t1, a0
1:      ld      t3, 0(t1)
        add     s4, s4, t3
        addi    s3, s3, 1
        addi    t1, t1, 8
        bltu    t1, t2, 1b
        j       receive
finish: PRINT   "received "
        mv      a0, s3
        call    print_number
        PRINT   " numbers, sum "
        mv      a0, s4
        call    print_number
        PRINT   "\n"
        li      t0, NUMBERS
        bne     s3, t0, bad
        EXIT    0

sender: li      s3, 0                   # the next number
send:   la      t1, buffer
        li      t0, BATCH
1:      sd      s3, 0(t1)
        addi    s3, s3, 1
        addi    t1, t1, 8
        addi    t0, t0, -1
        bnez    t0, 1b
        mv      a0, s2
        la      a1, buffer
        li      a2, BATCH*8
        li      a7, SYS_write
        ecall
        li      t0, BATCH*8
        bne     a0, t0, bad
        li      t0, NUMBERS
        bltu    s3, t0, send
        EXIT    0
bad:    j       failed

        .bss
        .balign 8
ends:   .skip   8
buffer: .skip   BATCH*8

# producer_consumer: a ring of eight slots between two processes.
#
# Shows:  a bounded buffer in shared memory. The number of items made and the
#         number taken are two words; who finds the ring full or empty sleeps on
#         the other one's word (a futex) and is woken when it changes.
# Watch:  system calls: about one for two items, since an item costs none while
#         the ring is neither full nor empty.
# Prints: 2000 items through 8 slots, sum of squares 2664667000
# Ends:   exit 0

        .include "lib.inc"
        .equ    ITEMS, 2000
        .equ    SLOTS, 8
        .equ    MADE,  0                # word: items made so far
        .equ    TAKEN, 4                # word: items taken so far
        .equ    RING,  64               # the slots

        .globl  _start
_start:
        MAP     PAGE, sharing=MAP_SHARED
        blez    a0, failed
        mv      s0, a0
        addi    s1, s0, MADE
        addi    s2, s0, TAKEN
        li      s3, 0                   # own count
        li      s4, ITEMS
        FORK
        beqz    a0, producer

        li      s5, 0                   # the sum
take:   lw      s6, 0(s1)
        bne     s6, s3, 1f
        mv      a0, s1                  # empty
        mv      a2, s6
        call    sleep
        j       take
1:      fence   rw, rw
        andi    t0, s3, SLOTS-1
        slli    t0, t0, 3
        add     t0, t0, s0
        ld      t1, RING(t0)
        add     s5, s5, t1
        addi    s3, s3, 1
        fence   rw, rw
        sw      s3, 0(s2)
        fence   rw, rw
        lw      t0, 0(s1)               # was it full before?
        sub     t0, t0, s3
        li      t1, SLOTS-1
        bltu    t0, t1, 2f
        mv      a0, s2
        call    wake
2:      bltu    s3, s4, take
        REAP    t0
        bnez    t0, failed
        PRINT   "2000 items through 8 slots, sum of squares "
        NUMBER  s5
        PRINT   "\n"
        li      t0, ITEMS*(ITEMS-1)*(2*ITEMS-1)/6
        bne     s5, t0, failed
        EXIT    0

producer:
        lw      s6, 0(s2)
        sub     t0, s3, s6
        li      t1, SLOTS
        bltu    t0, t1, 1f
        mv      a0, s2                  # full
        mv      a2, s6
        call    sleep
        j       producer
1:      andi    t0, s3, SLOTS-1
        slli    t0, t0, 3
        add     t0, t0, s0
        mul     t1, s3, s3
        sd      t1, RING(t0)
        addi    s3, s3, 1
        fence   rw, rw
        sw      s3, 0(s1)
        fence   rw, rw
        lw      t0, 0(s2)               # was it empty before?
        sub     t0, s3, t0
        li      t1, 1
        bltu    t1, t0, 2f
        mv      a0, s1
        call    wake
2:      bltu    s3, s4, producer
        EXIT    0

# sleep: until the word at a0 is no longer a2; wake: who sleeps on the word at a0.
sleep:  li      a1, FUTEX_WAIT
        li      a3, 0
        SYSCALL futex
        ret
wake:   li      a1, FUTEX_WAKE
        li      a2, 1
        SYSCALL futex
        ret

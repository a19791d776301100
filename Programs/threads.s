# threads: four threads on one address space count under a lock.
#
# Shows:  clone with CLONE_VM: own stacks and registers, the same memory. A
#         futex lets a thread sleep until the lock is free; the kernel is asked
#         only when two meet.
# Watch:  one process with four more threads; no page is copied.
# Prints: 4 threads counted to 20000
# Ends:   exit 0

        .include "lib.inc"
        # VM FS FILES SIGHAND THREAD SYSVSEM CHILD_CLEARTID
        .equ    FLAGS,      0x100|0x200|0x400|0x800|0x10000|0x40000|0x200000
        .equ    THREADS,    4
        .equ    ROUNDS,     5000

        .globl  _start
_start:
        la      s0, alive               # a word for each thread, 0 when it has ended
        li      s1, 0
1:      MAP     4*PAGE                  # a stack
        blez    a0, bad
        li      t0, 4*PAGE
        add     a1, a0, t0
        slli    t1, s1, 2
        add     a4, s0, t1
        li      t2, 1
        sw      t2, 0(a4)
        li      a0, FLAGS
        li      a2, 0
        li      a3, 0
        li      a7, SYS_clone
        ecall
        bltz    a0, bad
        beqz    a0, thread
        addi    s1, s1, 1
        li      t0, THREADS
        bltu    s1, t0, 1b

        li      s1, 0                   # wait until all have ended
2:      slli    t1, s1, 2
        add     s2, s0, t1
3:      lw      t0, 0(s2)
        beqz    t0, 4f
        mv      a0, s2
        li      a1, FUTEX_WAIT
        mv      a2, t0
        li      a3, 0
        li      a7, SYS_futex
        ecall
        j       3b
4:      addi    s1, s1, 1
        li      t0, THREADS
        bltu    s1, t0, 2b
        la      t0, count
        ld      s3, 0(t0)
        PRINT   "4 threads counted to "
        mv      a0, s3
        call    print_number
        PRINT   "\n"
        li      t0, THREADS*ROUNDS
        bne     s3, t0, bad
        EXIT    0
bad:    j       failed

thread: la      s4, lock                # 0 free, 1 taken, 2 taken and somebody waits
        la      s6, count
        li      s7, ROUNDS
next:   li      t0, 1
1:      lr.w    t1, (s4)
        bnez    t1, wait
        sc.w    t2, t0, (s4)
        bnez    t2, 1b
        j       locked
wait:   li      t0, 2
        amoswap.w t1, t0, (s4)
        beqz    t1, locked
        mv      a0, s4
        li      a1, FUTEX_WAIT
        li      a2, 2
        li      a3, 0
        li      a7, SYS_futex
        ecall
        j       wait
locked: ld      t0, 0(s6)               # not atomic: the lock makes it so
        addi    t0, t0, 1
        sd      t0, 0(s6)
        amoswap.w t1, zero, (s4)
        li      t0, 2
        bne     t1, t0, 2f
        mv      a0, s4                  # somebody waits
        li      a1, FUTEX_WAKE
        li      a2, 1
        li      a7, SYS_futex
        ecall
2:      addi    s7, s7, -1
        bnez    s7, next
        EXIT    0

        .bss
        .balign 8
count:  .skip   8
lock:   .skip   4
alive:  .skip   4*THREADS

# shm_counter: two processes count in one file of /dev/shm under a lock.
#
# Shows:  memory shared by name: each process opens and maps the file for itself.
#         The lock works between processes as between threads, since a futex in
#         shared memory is known by its frame and not by its address.
# Watch:  --strace shows the futex calls: the kernel is asked only when the two
#         meet. Without the lock the count would come out too small.
# Prints: 2 processes counted to 4000, and met
# Ends:   exit 0

        .include "lib.inc"
        .equ    ROUNDS, 2000            # of each process
        .equ    LOCK,   0               # 0 free, 1 taken, 2 taken and somebody waits
        .equ    MET,    4               # how often somebody had to wait
        .equ    COUNT,  8

        .globl  _start
_start:
        call    open
        mv      a0, s0
        li      a1, PAGE
        SYSCALL ftruncate
        bnez    a0, failed
        FORK
        bnez    a0, 1f
        call    open                    # the same file, by its name
        call    count
        EXIT    0
1:      call    count
        REAP    t0
        bnez    t0, failed
        li      a0, AT_FDCWD
        la      a1, name
        li      a2, 0
        SYSCALL unlinkat
        bnez    a0, failed
        ld      s2, COUNT(s1)
        lw      s3, MET(s1)
        PRINT   "2 processes counted to "
        NUMBER  s2
        li      t0, 2*ROUNDS
        bne     s2, t0, failed
        beqz    s3, failed
        PRINT   ", and met\n"
        EXIT    0

# open: opens the file as s0 and maps it at s1.
open:   li      a0, AT_FDCWD
        la      a1, name
        li      a2, O_RDWR|O_CREAT
        li      a3, 0600
        SYSCALL openat
        bltz    a0, failed
        mv      s0, a0
        MAP_FILE s0, PAGE
        mv      s1, a0
        ret

# count: adds ROUNDS to the count, one by one.
count:  li      s4, ROUNDS
next:   li      t0, 1
        amoswap.w.aq t1, t0, (s1)
        beqz    t1, locked
        addi    t2, s1, MET
        amoadd.w zero, t0, (t2)
wait:   li      t0, 2
        amoswap.w.aq t1, t0, (s1)
        beqz    t1, locked
        mv      a0, s1
        li      a1, FUTEX_WAIT
        li      a2, 2                   # unless it has changed
        li      a3, 0
        SYSCALL futex
        j       wait
locked: ld      s5, COUNT(s1)
        andi    t0, s4, 63              # now and then leave the core with the lock held
        bnez    t0, 1f
        SYSCALL sched_yield
1:      addi    s5, s5, 1
        sd      s5, COUNT(s1)
        amoswap.w.rl t1, zero, (s1)
        li      t0, 2
        bne     t1, t0, 2f
        mv      a0, s1                  # somebody waits
        li      a1, FUTEX_WAKE
        li      a2, 1
        SYSCALL futex
2:      addi    s4, s4, -1
        bnez    s4, next
        ret

        .data
name:   .asciz  "/dev/shm/counter"

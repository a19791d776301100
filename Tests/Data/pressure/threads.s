# threads: four threads change parts of their own, and a part that they share.
#
# Working set: the argument, in pages, private and anonymous. An eighth of it is shared:
# there each thread adds to one word of each page atomically and to another under a
# futex lock, which lies in the first of these pages. What is added does not depend on
# the order. The threads use no stack.

        .include "common.inc"
        .equ    THREADS, 4
        .equ    PASSES,  3
        # VM FS FILES SIGHAND THREAD SYSVSEM CHILD_CLEARTID
        .equ    FLAGS,   0x100|0x200|0x400|0x800|0x10000|0x40000|0x200000

        .globl  _start
_start:
        START
        MAP_PAGES s0, s1
        li      s2, 0
        srli    s5, s1, 3               # pages shared, behind the others
        addi    s5, s5, 1
        sub     s6, s1, s5
        srli    s6, s6, 2               # pages of each thread
        beqz    s6, failed
        slli    s7, s6, 2               # the first shared page
        sub     s5, s1, s7
        slli    s8, s7, 12
        add     s8, s0, s8
        la      s9, alive               # a word for each thread, 0 when it has ended
        li      s10, 0
1:      slli    t1, s10, 2
        add     a4, s9, t1
        li      t2, 1
        sw      t2, 0(a4)
        li      a0, FLAGS
        li      a1, 0
        li      a2, 0
        li      a3, 0
        SYSCALL clone
        bltz    a0, failed
        beqz    a0, thread
        addi    s10, s10, 1
        li      t0, THREADS
        bltu    s10, t0, 1b

        li      s10, 0                  # wait until all have ended
2:      slli    t1, s10, 2
        add     s11, s9, t1
3:      lw      t0, 0(s11)
        beqz    t0, 4f
        mv      a0, s11
        li      a1, FUTEX_WAIT
        mv      a2, t0
        li      a3, 0
        SYSCALL futex
        j       3b
4:      addi    s10, s10, 1
        li      t0, THREADS
        bltu    s10, t0, 2b
        li      s3, 4
        EACH    whole, zero, s1
        la      s9, sums
        li      s10, THREADS
5:      ld      t0, 0(s9)
        slli    t1, s3, 2
        add     s3, s3, t1
        add     s3, s3, t0
        addi    s9, s9, 8
        addi    s10, s10, -1
        bnez    s10, 5b
        j       finish

# thread: number s10.
thread: addi    s3, s10, 13
        mul     s11, s6, s10            # its own pages: from s11 to s6
        add     s6, s6, s11
        EACH    fill, s11, s6
1:      addi    s2, s2, 1
        EACH    visit, s11, s6
        EACH    share, s7, s1
        li      t0, PASSES
        bltu    s2, t0, 1b
        la      t0, sums
        slli    t1, s10, 3
        add     t0, t0, t1
        sd      s3, 0(t0)
        EXIT    0

# share: adds to two words of the shared page a0. The lock: 0 free, 1 taken, 2 taken and
# somebody waits.
share:  slli    t3, a0, 12
        add     t3, s0, t3
        add     t4, a0, s10
        amoadd.d zero, t4, (t3)
        addi    t5, s8, 64
        li      t0, 1
1:      lr.w    t1, (t5)
        bnez    t1, 2f
        sc.w    t2, t0, (t5)
        bnez    t2, 1b
        j       3f
2:      li      t0, 2
        amoswap.w t1, t0, (t5)
        beqz    t1, 3f
        mv      a0, t5
        li      a1, FUTEX_WAIT
        li      a2, 2
        li      a3, 0
        SYSCALL futex
        j       2b
3:      ld      t0, 8(t3)
        addi    t0, t0, 1
        sd      t0, 8(t3)
        amoswap.w t1, zero, (t5)
        li      t0, 2
        bne     t1, t0, 4f
        mv      a0, t5                  # somebody waits
        li      a1, FUTEX_WAKE
        li      a2, 1
        SYSCALL futex
4:      ret

        .bss
        .balign 8
sums:   .skip   8*THREADS
alive:  .skip   4*THREADS

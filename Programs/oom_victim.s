# oom_victim: a child takes all memory there is; it is killed, and its parent goes on.
#
# Shows:  when no page is left, the OOM killer ends the process whose end frees
#         the most, whoever asked for the page. Everybody else never notices.
#         The smaller the machine (--ram 8M), the sooner it comes to that.
# Watch:  the report of the kill: the state of memory, the table of those who
#         could have been chosen, and the line "Out of memory: Killed process 3".
# Prints: child killed by signal 9, 1 kill in all, the parent still has its 136
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .equ    OWN, 16                 # pages of the parent
        .equ    TAKEN, 64               # pages the child takes at a time
        .equ    MADV_POPULATE_WRITE, 23

        .globl  _start
_start:
        MAP     OWN*PAGE
        blez    a0, failed
        mv      s0, a0
        li      s5, PAGE
        FORK
        beqz    a0, child
        li      t0, 1                   # page p holds p + 1
        mv      t1, s0
1:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, 1
        li      t2, OWN
        ble     t0, t2, 1b

        REAP    s1                      # the number of the signal
        PRINT   "child killed by signal "
        NUMBER  s1
        li      t0, 9
        bne     s1, t0, failed
        la      a0, vmstat
        la      a1, kills
        call    proc_number
        mv      s2, a0
        PRINT   ", "
        NUMBER  s2
        PRINT   " kill in all, the parent still has its "
        li      s3, 0
        li      t0, OWN
2:      ld      t1, 0(s0)
        add     s3, s3, t1
        add     s0, s0, s5
        addi    t0, t0, -1
        bnez    t0, 2b
        NUMBER  s3
        PRINT   "\n"
        li      t0, 136
        bne     s3, t0, failed
        EXIT    0

# The child takes one part after another of more than any machine has.
child:  MAP     1 << 40
        blez    a0, failed
        mv      s1, a0
        li      s2, TAKEN*PAGE
3:      mv      a0, s1
        mv      a1, s2
        li      a2, MADV_POPULATE_WRITE # as if it wrote to each page
        SYSCALL madvise
        add     s1, s1, s2
        j       3b

        .section .rodata
vmstat: .asciz  "/proc/vmstat"
kills:  .asciz  "oom_kill"

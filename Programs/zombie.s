# zombie: a process that has ended stays in the table until somebody waits for it.
#
# Shows:  the state in /proc/PID/stat becomes Z. Memory is gone at once; what is
#         left is the exit status. wait4 collects it, and the directory vanishes.
# Watch:  --strace shows the exit of the child before the calls that see Z.
# Prints: state Z, 0 pages left, reaped with 7, then no such process
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"

        .globl  _start
_start:
        FORK
        bnez    a0, parent
        EXIT    7

parent: mv      s0, a0
        la      s1, path                # "/proc/", its number, "/stat"
        addi    s1, s1, 6
        mv      a0, s0
        la      a1, digits_end
        li      t1, 10
1:      remu    t2, a0, t1
        divu    a0, a0, t1
        addi    t2, t2, '0'
        addi    a1, a1, -1
        sb      t2, 0(a1)
        bnez    a0, 1b
        la      t0, digits_end
2:      lbu     t2, 0(a1)
        sb      t2, 0(s1)
        addi    a1, a1, 1
        addi    s1, s1, 1
        bltu    a1, t0, 2b
        la      a1, stat
        call    append

3:      la      a0, path                # until it has ended
        la      a1, before_state
        call    proc_find
        lbu     s2, 0(a0)
        li      t0, 'Z'
        beq     s2, t0, 4f
        SYSCALL sched_yield
        j       3b
4:      la      a1, statm
        call    append
        la      a0, path
        la      a1, nothing             # the first number: all its pages
        call    proc_number
        mv      s3, a0
        PRINT   "state Z, "
        NUMBER  s3
        PRINT   " pages left, reaped with "
        bnez    s3, failed
        REAP    s4
        bne     a0, s0, failed
        srli    s4, s4, 8
        NUMBER  s4
        li      t0, 7
        bne     s4, t0, failed
        li      a0, AT_FDCWD
        la      a1, path
        li      a2, 0
        li      a3, 0
        SYSCALL openat
        li      t0, -2                  # ENOENT
        bne     a0, t0, failed
        PRINT   ", then no such process\n"
        EXIT    0

# append: the text at a1 behind the number in path.
append: mv      t0, s1
1:      lbu     t1, 0(a1)
        sb      t1, 0(t0)
        addi    a1, a1, 1
        addi    t0, t0, 1
        bnez    t1, 1b
        ret

        .data
stat:   .asciz  "/stat"
statm:  .asciz  "/statm"
before_state:
        .asciz  ") "                    # behind the name
nothing:
        .asciz  ""
path:   .ascii  "/proc/"
        .skip   20
        .skip   10
digits: .skip   20
digits_end:

# orphan: who inherits the child of a process that has ended.
#
# Shows:  a process that has ended is a zombie until somebody waits for it. Its
#         own children go to the nearest ancestor that asked for orphans
#         (PR_SET_CHILD_SUBREAPER), or to init.
# Watch:  three processes; the last row's parent ended before it did.
# Prints: zombie reaped with 3, orphan adopted and reaped with 5
# Ends:   exit 0

        .include "lib.inc"
        .equ    SYS_sched_yield, 124
        .equ    SYS_prctl,       167
        .equ    SYS_getpid,      172
        .equ    SYS_getppid,     173
        .equ    SYS_clone,       220
        .equ    SYS_wait4,       260
        .equ    SIGCHLD,         17

# fork; a0 is 0 in the child.
        .macro  FORK
        li      a0, SIGCHLD
        li      a1, 0
        li      a2, 0
        li      a3, 0
        li      a4, 0
        li      a7, SYS_clone
        ecall
        .endm

        .globl  _start
_start:
        li      a0, 36                  # PR_SET_CHILD_SUBREAPER
        li      a1, 1
        li      a7, SYS_prctl
        ecall
        bnez    a0, bad
        li      a7, SYS_getpid
        ecall
        mv      s0, a0
        FORK
        bltz    a0, bad
        bnez    a0, parent

        FORK                            # the middle one has a child and leaves
        bltz    a0, bad
        beqz    a0, orphan
        EXIT    3

orphan: li      a7, SYS_sched_yield     # until the parent is another
        ecall
        li      a7, SYS_getppid
        ecall
        bne     a0, s0, orphan
        EXIT    5

parent: call    reap
        mv      s1, a0
        PRINT   "zombie reaped with "
        mv      a0, s1
        call    print_number
        call    reap
        mv      s1, a0
        PRINT   ", orphan adopted and reaped with "
        mv      a0, s1
        call    print_number
        PRINT   "\n"
        EXIT    0

# reap: waits for any child and returns its exit code.
reap:   addi    sp, sp, -16
        li      a0, -1
        mv      a1, sp
        li      a2, 0
        li      a3, 0
        li      a7, SYS_wait4
        ecall
        blez    a0, bad
        lwu     a0, 0(sp)
        srli    a0, a0, 8
        addi    sp, sp, 16
        ret
bad:    j       failed

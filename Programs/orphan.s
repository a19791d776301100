# orphan: who inherits the child of a process that has ended.
#
# Shows:  a process that has ended is a zombie until somebody waits for it. Its
#         own children go to the nearest ancestor that asked for orphans
#         (PR_SET_CHILD_SUBREAPER), or to init.
# Watch:  three processes in the report's table; the parent of the last one, pid 4,
#         ended before it did, so pid 2 reaped it.
# Prints: zombie reaped with 3, orphan adopted and reaped with 5
# Ends:   exit 0

        .include "lib.inc"

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
        bnez    a0, parent

        FORK                            # the middle one has a child and leaves
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
reap:   REAP    a0
        srli    a0, a0, 8
        ret
bad:    j       failed

# vfork_exec: a child in the parent's own memory, until it executes something.
#
# Shows:  vfork copies nothing: what the child stores, the parent finds. The
#         parent waits until the child has a memory of its own (execve) or has
#         ended; after that it may write without a fault, for nothing was shared
#         by copy on write.
# Watch:  copy on write faults: none; fork_cow.s has two for each page and more.
# Prints: child stored 42 in the parent's memory, then ran a program that ended with 5; 0 faults
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 8
        .equ    CLONE_VM,    0x100
        .equ    CLONE_VFORK, 0x4000

        .globl  _start
_start:
        ld      s0, 0(sp)               # argc
        li      t0, 1
        bne     s0, t0, second
        ld      s1, 8(sp)               # argv[0]: this file
        la      t0, arguments
        sd      s1, 0(t0)
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s2, a0
        li      s5, PAGE
        call    fill
        FAULTS  s6

        li      a0, CLONE_VM|CLONE_VFORK|SIGCHLD
        li      a1, 0
        li      a2, 0
        li      a3, 0
        li      a4, 0
        SYSCALL clone
        bltz    a0, failed
        bnez    a0, parent
        li      t0, 42                  # leaves the parent's stack alone
        la      t1, marker
        sd      t0, 0(t1)
        mv      a0, s1
        la      a1, arguments
        la      a2, variables
        SYSCALL execve
        li      a0, 1
        SYSCALL exit

parent: call    fill
        FAULTS  s7
        sub     s7, s7, s6
        ld      s3, marker
        PRINT   "child stored "
        NUMBER  s3
        li      t0, 42
        bne     s3, t0, failed
        REAP    s4
        srli    s4, s4, 8
        PRINT   " in the parent's memory, then ran a program that ended with "
        NUMBER  s4
        li      t0, 5
        bne     s4, t0, failed
        PRINT   "; "
        NUMBER  s7
        PRINT   " faults\n"
        bnez    s7, failed
        EXIT    0

second: ld      t0, marker              # its own data
        bnez    t0, failed
        EXIT    5

# fill: stores to each page.
fill:   mv      t1, s2
        li      t2, PAGES
1:      sd      t2, 0(t1)
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        ret

        .data
        .balign 8
marker: .dword  0
arguments:
        .dword  0, again, 0
variables:
        .dword  0
again:  .asciz  "again"

# exec_args: executes itself with arguments and an environment.
#
# Shows:  execve puts a new program into the same process. Arguments and
#         environment are copied to the new stack, the data is as in the file
#         again, and descriptors stay but for those with FD_CLOEXEC.
# Watch:  one process, which faults in its code, stack and data twice.
# Prints: 4 arguments, 2 variables, fresh data, one of two open files
# Ends:   exit 0

        .include "lib.inc"
        .equ    SYS_fcntl, 25
        .equ    F_GETFD,   1
        .equ    F_SETFD,   2
        .equ    FD_CLOEXEC, 1

# the string whose address is at \place is \text.
        .macro  SAME place, text
        .section .rodata
77:     .asciz  "\text"
        .text
        ld      a0, \place
        la      a1, 77b
        call    compare
        bnez    a0, failed
        .endm

        .globl  _start
_start:
        la      t1, marker
        lw      t0, 0(t1)
        li      t2, 7
        bne     t0, t2, failed          # also in the second program
        sw      zero, 0(t1)
        ld      s0, 0(sp)               # argc
        li      t0, 1
        bne     s0, t0, second

        la      a0, ends                # descriptors 3 and 4
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        lw      a0, ends
        li      t0, 3                   # the second program relies on it
        bne     a0, t0, failed
        li      a1, F_SETFD
        li      a2, FD_CLOEXEC
        SYSCALL fcntl
        la      a1, arguments
        ld      a0, 8(sp)               # argv[0]: this file
        sd      a0, 0(a1)
        la      a2, variables
        SYSCALL execve
        j       failed                  # there is no way back from success

second: li      t0, 4
        bne     s0, t0, failed
        SAME    16(sp), "one"
        SAME    24(sp), "two words"
        SAME    32(sp), ""
        ld      t0, 40(sp)              # argv[4]
        bnez    t0, failed
        SAME    48(sp), "GREETING=hello"
        SAME    56(sp), "EMPTY="
        ld      t0, 64(sp)
        bnez    t0, failed
        li      a0, 3
        li      a1, F_GETFD
        SYSCALL fcntl
        li      t0, -9                  # EBADF: closed
        bne     a0, t0, failed
        li      a0, 4
        li      a1, F_GETFD
        SYSCALL fcntl
        bnez    a0, failed              # open
        PRINT   "4 arguments, 2 variables, fresh data, one of two open files\n"
        EXIT    0

# compare: 0 if the texts at a0 and a1 are the same.
compare:
        lbu     t0, 0(a0)
        lbu     t1, 0(a1)
        addi    a0, a0, 1
        addi    a1, a1, 1
        bne     t0, t1, 1f
        bnez    t0, compare
1:      sub     a0, t0, t1
        ret

        .data
        .balign 8
arguments:
        .dword  0, one, two, empty, 0
variables:
        .dword  greeting, nothing, 0
marker: .word   7
ends:   .word   0, 0
one:    .asciz  "one"
two:    .asciz  "two words"
empty:  .asciz  ""
greeting:
        .asciz  "GREETING=hello"
nothing:
        .asciz  "EMPTY="

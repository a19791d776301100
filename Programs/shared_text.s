# shared_text: two processes that run one program share the frames of its code.
#
# Shows:  the code of a program is a mapping of its file, and so comes from the
#         page cache. smaps counts a page that n processes map as a share of 1/n
#         (Pss): half, while a child has executed the same file, and all of it
#         before and after.
# Watch:  file faults, and not one of them major; pages the child shares at its end.
# Prints: own share of the code: all, half while a child runs it, all again
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .equ    SYS_dup3,  24
        .equ    O_CLOEXEC, 0x80000

        .globl  _start
_start:
        ld      s0, 0(sp)               # argc
        li      t0, 1
        bne     s0, t0, child

        ld      s1, 8(sp)               # argv[0]: this file
        la      a0, smaps
        la      a1, shared_clean
        call    proc_number
        bnez    a0, failed              # nobody else has it
        call    share
        bne     s2, s3, failed
        la      a0, ready
        li      a1, O_CLOEXEC
        SYSCALL pipe2
        bnez    a0, failed
        la      a0, leave
        li      a1, O_CLOEXEC
        SYSCALL pipe2
        bnez    a0, failed
        FORK
        beqz    a0, execute
        lw      a0, ready+4             # the child's
        SYSCALL close
        lw      a0, ready               # until it runs
        la      a1, byte
        li      a2, 1
        SYSCALL read
        li      t0, 1
        bne     a0, t0, failed
        call    share
        slli    t0, s3, 1
        bne     s2, t0, failed
        la      a0, smaps
        la      a1, shared_clean        # the rest of what there is
        call    proc_number
        bne     a0, s2, failed
        lw      a0, leave+4
        SYSCALL close
        REAP    t0
        bnez    t0, failed
        call    share
        bne     s2, s3, failed
        PRINT   "own share of the code: all, half while a child runs it, all again\n"
        EXIT    0

execute:
        lw      a0, ready+4             # copies that stay open
        li      a1, 10
        li      a2, 0
        SYSCALL dup3
        bltz    a0, failed
        lw      a0, leave
        li      a1, 11
        li      a2, 0
        SYSCALL dup3
        bltz    a0, failed
        mv      a0, s1
        la      a1, arguments
        sd      s1, 0(a1)
        la      a2, variables
        SYSCALL execve
        j       failed

child:  li      a0, 10                  # tell that it runs ...
        la      a1, byte
        li      a2, 1
        SYSCALL write
        li      a0, 11                  # ... and wait for the end of file
        la      a1, byte
        li      a2, 1
        SYSCALL read
        bnez    a0, failed
        EXIT    0

# share: of the first area, the code: resident KiB in s2, own share in s3.
share:  addi    sp, sp, -16
        sd      ra, 0(sp)
        la      a0, smaps
        la      a1, rss
        call    proc_number
        mv      s2, a0
        la      a0, smaps
        la      a1, pss
        call    proc_number
        mv      s3, a0
        beqz    s2, failed
        ld      ra, 0(sp)
        addi    sp, sp, 16
        ret

        .data
smaps:  .asciz  "/proc/self/smaps"
rss:    .asciz  "Rss:"
pss:    .asciz  "Pss:"
shared_clean:
        .asciz  "Shared_Clean:"
again:  .asciz  "again"
        .balign 8
arguments:
        .dword  0, again, 0
variables:
        .dword  0
        .bss
        .balign 8
ready:  .skip   8                       # pipes: to read from, to write to
leave:  .skip   8
byte:   .skip   1

# overcommit: what the kernel promises when a program asks for twice the machine's memory.
#
# Shows:  vm.overcommit_memory. Mode 0 refuses what is obviously too much, unless
#         MAP_NORESERVE says that most of it will never be used. Mode 1 promises
#         anything. Mode 2 keeps to its limit, whatever the flags; memory that
#         cannot be written needs no promise.
# Watch:  nothing of it is ever touched: hardly a page is resident. The program
#         sets the modes itself; --overcommit N starts a machine in one.
# Prints: mode 0: refused, unreserved granted; mode 1: granted, unreserved granted; mode 2: refused, unreserved refused; read-only granted
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .equ    O_WRONLY, 1

# ask for s0 bytes with the rights and flags given, and say what came of it.
        .macro  ASK rights, flags
        li      a0, 0
        mv      a1, s0
        li      a2, \rights
        li      a3, MAP_PRIVATE|MAP_ANONYMOUS|\flags
        li      a4, -1
        li      a5, 0
        SYSCALL mmap
        call    tell
        .endm

        .globl  _start
_start:
        la      a0, meminfo
        la      a1, total
        call    proc_number
        slli    s0, a0, 11              # kB, doubled, in bytes
        li      s1, '0'

1:      li      a0, AT_FDCWD            # set the mode
        la      a1, setting
        li      a2, O_WRONLY
        li      a3, 0
        SYSCALL openat
        bltz    a0, failed
        mv      s2, a0
        la      a1, mode
        sb      s1, 0(a1)
        li      a2, 1
        SYSCALL write
        li      t0, 1
        bne     a0, t0, failed
        mv      a0, s2
        SYSCALL close

        PRINT   "mode "
        la      a0, mode
        call    print
        PRINT   ": "
        ASK     PROT_READ|PROT_WRITE, 0
        PRINT   ", unreserved "
        ASK     PROT_READ|PROT_WRITE, MAP_NORESERVE
        PRINT   "; "
        addi    s1, s1, 1
        li      t0, '3'
        bltu    s1, t0, 1b
        PRINT   "read-only "
        ASK     PROT_READ, 0
        PRINT   "\n"
        EXIT    0

# tell: says whether the mapping at a0 was granted, and gives it back.
tell:   addi    sp, sp, -16
        sd      ra, 0(sp)
        bgez    a0, 1f
        li      t0, -12                 # ENOMEM
        bne     a0, t0, failed
        PRINT   "refused"
        j       2f
1:      mv      a1, s0
        SYSCALL munmap
        PRINT   "granted"
2:      ld      ra, 0(sp)
        addi    sp, sp, 16
        ret

        .section .rodata
meminfo:
        .asciz  "/proc/meminfo"
total:  .asciz  "MemTotal:"
setting:
        .asciz  "/proc/sys/vm/overcommit_memory"
        .data
mode:   .asciz  "0"

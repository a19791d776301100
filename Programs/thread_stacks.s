# thread_stacks: threads on stacks of their own, each with a guard page below it.
#
# Shows:  a thread's stack is any memory, and the kernel does not make it grow. A
#         page without rights at its lower end turns an overflow into SIGSEGV
#         (SEGV_ACCERR) instead of a store into somebody else's memory.
# Watch:  the story of the child that was killed: the area it met has no rights
#         (---). Faults to signals: two, the first one went to a handler.
# Prints: 3 threads went 8 pages deep, a fourth was stopped at its guard page
# Ends:   exit 0

        .include "lib.inc"
        .equ    THREADS, 3
        .equ    STACK,   16*PAGE        # with the guard page
        .equ    ALTERNATE, 2*PAGE
        # VM FS FILES SIGHAND THREAD SYSVSEM CHILD_CLEARTID
        .equ    FLAGS,   0x100|0x200|0x400|0x800|0x10000|0x40000|0x200000
        .equ    SEGV_ACCERR, 2
        .equ    SA_ONSTACK,   0x08000000
        .equ    SA_RESETHAND, 0x80000000

        .globl  _start
_start:
        MAP     PAGE, sharing=MAP_SHARED
        blez    a0, failed
        mv      s11, a0                 # 1 when the guard page has been met
        li      s9, 8                   # pages to go down
        li      s1, THREADS
1:      call    start
        call    join
        addi    s1, s1, -1
        bnez    s1, 1b
        ld      s2, depth
        PRINT   "3 threads went "
        li      t0, THREADS
        div     s2, s2, t0
        NUMBER  s2
        bne     s2, s9, failed

        FORK
        beqz    a0, child
        REAP    s2
        li      t0, SIGSEGV
        bne     s2, t0, failed          # killed by it
        ld      t0, 0(s11)
        li      t1, 1
        bne     t0, t1, failed
        PRINT   " pages deep, a fourth was stopped at its guard page\n"
        EXIT    0

child:  HANDLE  SIGSEGV, action
        li      s9, 1000                # more than there are
        call    start
        call    join
        j       failed

# start: a thread with its stack at s8. FORK and clone leave the registers alike.
start:  MAP     STACK
        blez    a0, failed
        mv      s8, a0
        li      a1, PAGE                # its lowest page is the guard
        li      a2, PROT_NONE
        SYSCALL mprotect
        bnez    a0, failed
        la      a4, alive
        li      t0, 1
        sw      t0, 0(a4)
        li      t0, STACK
        add     a1, s8, t0
        li      a0, FLAGS
        li      a2, 0
        li      a3, 0
        SYSCALL clone
        bltz    a0, failed
        beqz    a0, thread
        ret

# join: waits until the thread has ended.
join:   la      a0, alive
        lw      a2, 0(a0)
        beqz    a2, 1f
        li      a1, FUTEX_WAIT
        li      a3, 0
        SYSCALL futex
        j       join
1:      ret

thread: la      a0, alternate           # a handler needs a stack that is left
        li      a1, 0
        SYSCALL sigaltstack
        bnez    a0, failed
        mv      a0, s9
        li      s5, PAGE
        call    down
        la      t0, depth
        amoadd.d zero, a0, (t0)
        EXIT    0

# down(a0): calls itself a0 times, with a page of locals each; returns how often.
down:   beqz    a0, 1f
        sd      ra, -8(sp)
        sub     sp, sp, s5
        addi    a0, a0, -1
        call    down
        addi    a0, a0, 1
        add     sp, sp, s5
        ld      ra, -8(sp)
1:      ret

# handler(signal, siginfo, context): notes whether this was the guard page. When
# it returns, the store is repeated and kills, for there is no handler any more.
handler:
        lw      t0, 8(a1)               # si_code
        li      t1, SEGV_ACCERR
        bne     t0, t1, 1f
        ld      t0, 16(a1)              # si_addr
        sub     t0, t0, s8              # the thread's own registers
        li      t1, PAGE
        bgeu    t0, t1, 1f
        li      t0, 1
        sd      t0, 0(s11)
1:      ret

        .data
        .balign 8
action: .dword  handler, SA_SIGINFO|SA_ONSTACK|SA_RESETHAND, 0
alternate:
        .dword  alternate_stack, 0, ALTERNATE
depth:  .dword  0
alive:  .word   0
        .bss
        .balign 16
alternate_stack:
        .skip   ALTERNATE

# write_barrier: a program finds out which of its pages it has written.
#
# Shows:  pages are made read-only; a SIGSEGV handler on a stack of its own notes
#         the page, gives the right to write back and returns. So the first store
#         to a page costs a signal and all others nothing: what garbage collectors
#         and checkpoints do.
# Watch:  faults to signals: one for each page written in a round, five in all.
# Prints: round 1 wrote pages 1 4 9, round 2 pages 2 15
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 16
        .equ    STORES, 100             # to each page
        .equ    ALTERNATE, 2*PAGE
        .equ    SEGV_ACCERR, 2
        .equ    SA_ONSTACK, 0x08000000

        .globl  _start
_start:
        la      a0, alternate
        li      a1, 0
        SYSCALL sigaltstack
        bnez    a0, failed
        HANDLE  SIGSEGV, action
        MAP     PAGES*PAGE
        blez    a0, failed
        la      t0, base
        sd      a0, 0(t0)
        mv      s0, a0
        li      s5, PAGE

        call    protect
        li      a0, 9
        call    store
        li      a0, 4
        call    store
        li      a0, 1
        call    store
        li      a0, 4
        call    store
        PRINT   "round 1 wrote pages"
        li      s6, 0x212
        call    show
        call    protect                 # and begin again
        li      a0, 15
        call    store
        li      a0, 2
        call    store
        PRINT   ", round 2 pages"
        li      s6, 0x8004
        call    show
        PRINT   "\n"
        EXIT    0

# protect: forgets what was written and waits for new stores.
protect:
        la      t0, written
        sd      zero, 0(t0)
        mv      a0, s0
        li      a1, PAGES*PAGE
        li      a2, PROT_READ
        SYSCALL mprotect
        bnez    a0, failed
        ret

# store: many stores to page a0.
store:  mul     t0, a0, s5
        add     t0, t0, s0
        li      t1, STORES
1:      ld      t2, 0(t0)               # reading is allowed
        addi    t2, t2, 1
        sd      t2, 0(t0)
        addi    t0, t0, 8
        addi    t1, t1, -1
        bnez    t1, 1b
        ret

# show: prints the pages that were written, which must be those of the bits in s6.
show:   mv      s10, ra
        ld      s7, written
        bne     s6, s7, failed
        li      s8, 0
1:      srl     t0, s7, s8
        andi    t0, t0, 1
        beqz    t0, 2f
        PRINT   " "
        NUMBER  s8
2:      addi    s8, s8, 1
        li      t0, PAGES
        bltu    s8, t0, 1b
        jr      s10

# handler(signal, siginfo, context)
handler:
        lw      t0, 8(a1)               # si_code: there is a page, but not to write to
        li      t1, SEGV_ACCERR
        bne     t0, t1, failed
        la      t0, alternate_stack     # this is the other stack
        sub     t0, sp, t0
        li      t1, ALTERNATE
        bgeu    t0, t1, failed
        ld      t0, 16(a1)              # si_addr
        srli    a0, t0, 12
        slli    a0, a0, 12
        ld      t1, base
        sub     t1, a0, t1
        srli    t1, t1, 12              # number of the page
        li      t2, PAGES
        bgeu    t1, t2, failed
        li      t2, 1
        sll     t2, t2, t1
        la      t3, written
        ld      t4, 0(t3)
        and     t5, t4, t2              # once for each page
        bnez    t5, failed
        or      t4, t4, t2
        sd      t4, 0(t3)
        li      a1, PAGE
        li      a2, PROT_READ|PROT_WRITE
        SYSCALL mprotect
        bnez    a0, failed
        ret                             # to the kernel's trampoline

        .data
        .balign 8
action: .dword  handler, SA_SIGINFO|SA_ONSTACK, 0
alternate:
        .dword  alternate_stack, 0, ALTERNATE
base:   .dword  0
written:
        .dword  0                       # a bit for each page
        .bss
        .balign 16
alternate_stack:
        .skip   ALTERNATE

# lazy_map: a SIGSEGV handler that maps the page that was missing.
#
# Shows:  a program can page for itself. The handler finds the address in
#         siginfo, maps a page there and returns; the access is repeated.
# Watch:  20 faults to signals, each followed by one that is resolved.
# Prints: 20 pages mapped by the handler, sum 210
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 20

        .globl  _start
_start:
        HANDLE  SIGSEGV, action
        MAP     PAGES*PAGE              # find a free place, then leave it
        blez    a0, bad
        mv      s0, a0
        li      a1, PAGES*PAGE
        li      a7, SYS_munmap
        ecall
        li      s5, PAGE

        li      t0, 1
        mv      t1, s0
1:      sd      t0, 8(t1)               # nothing is there yet
        add     t1, t1, s5
        addi    t0, t0, 1
        li      t2, PAGES
        ble     t0, t2, 1b
        li      s2, 0                   # all of it is there now
        li      t0, PAGES
        mv      t1, s0
2:      ld      t2, 8(t1)
        add     s2, s2, t2
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 2b
        la      t0, mapped
        ld      a0, 0(t0)
        call    print_number
        PRINT   " pages mapped by the handler, sum "
        mv      a0, s2
        call    print_number
        PRINT   "\n"
        li      t0, PAGES*(PAGES+1)/2
        bne     s2, t0, bad
        EXIT    0
bad:    j       failed

# handler(signal, siginfo, context): all registers come back by themselves.
handler:
        ld      a0, 16(a1)              # si_addr
        srli    a0, a0, 12
        slli    a0, a0, 12
        li      a1, PAGE
        li      a2, PROT_READ|PROT_WRITE
        li      a3, MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED
        li      a4, -1
        li      a5, 0
        li      a7, SYS_mmap
        ecall
        blez    a0, bad
        la      t0, mapped
        ld      t1, 0(t0)
        addi    t1, t1, 1
        sd      t1, 0(t0)
        ret                             # to the kernel's trampoline

        .data
        .balign 8
action: .dword  handler, SA_SIGINFO, 0
mapped: .dword  0

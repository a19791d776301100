# truncate_sigbus: a file is cut short under a mapping.
#
# Shows:  the pages behind the new end leave every mapping of the file. Touching
#         one is SIGBUS (BUS_ADRERR): there is an area, but no file behind it.
#         Here a handler makes the file longer again; the load is repeated and
#         finds zeros, for the old content is lost.
# Watch:  faults to signals: one.
# Prints: page 0 holds 1, page 1 SIGBUS once, then 0
# Ends:   exit 0

        .include "lib.inc"
        .equ    BUS_ADRERR, 2

        .globl  _start
_start:
        HANDLE  SIGBUS, action
        NEW_FILE s0
        li      a1, 2*PAGE
        call    truncate
        MAP_FILE s0, 2*PAGE
        mv      s1, a0
        li      t0, PAGE
        add     s2, a0, t0
        li      t0, 1
        sd      t0, 0(s1)
        li      t0, 2
        sd      t0, 0(s2)
        li      a1, PAGE                # the second page goes
        call    truncate
        PRINT   "page 0 holds "
        ld      s3, 0(s1)
        NUMBER  s3
        li      t0, 1
        bne     s3, t0, failed
        ld      s4, 0(s2)               # to the handler and back
        ld      s3, signals
        li      t0, 1
        bne     s3, t0, failed
        PRINT   ", page 1 SIGBUS once, then "
        NUMBER  s4
        PRINT   "\n"
        bnez    s4, failed
        EXIT    0

# handler(signal, siginfo, context)
handler:
        lw      t0, 8(a1)               # si_code
        li      t1, BUS_ADRERR
        bne     t0, t1, failed
        ld      t0, 16(a1)              # si_addr
        bne     t0, s2, failed
        la      t0, signals
        ld      t1, 0(t0)
        addi    t1, t1, 1
        sd      t1, 0(t0)
        li      a1, 2*PAGE              # and on to truncate
# truncate: makes the file a1 bytes long.
truncate:
        mv      a0, s0
        SYSCALL ftruncate
        bnez    a0, failed
        ret

        .data
        .balign 8
action: .dword  handler, SA_SIGINFO, 0
signals:
        .dword  0

# self_modify: writes a function into memory, calls it, changes it, calls again.
#
# Shows:  code is data until FENCE.I says that it will be fetched. The page is
#         mapped readable, writable and executable at once, which a program must
#         ask for.
# Watch:  the same addresses counted by the data TLB (writing) and by the
#         instruction TLB (running).
# Prints: 41 then 42
# Ends:   exit 0

        .include "lib.inc"
        .globl  _start
_start:
        MAP     PAGE, PROT_READ|PROT_WRITE|PROT_EXEC
        blez    a0, failed
        mv      s0, a0

        la      t0, model               # copy the two instructions of model
        lw      t1, 0(t0)
        lw      t2, 4(t0)
        sw      t1, 0(s0)
        sw      t2, 4(s0)
        fence.i                         # what was written will be fetched
        jalr    s0
        mv      s1, a0                  # 41

        lw      t1, 0(s0)               # addi a0, zero, 41: the number stands in
        li      t2, 1 << 20             # the upper 12 bits
        add     t1, t1, t2
        sw      t1, 0(s0)
        fence.i
        jalr    s0
        mv      s2, a0                  # 42

        mv      a0, s1
        call    print_number
        PRINT   " then "
        mv      a0, s2
        call    print_number
        PRINT   "\n"
        li      t0, 41
        bne     s1, t0, failed
        li      t0, 42
        bne     s2, t0, failed
        EXIT    0

model:  li      a0, 41                  # never runs here
        ret

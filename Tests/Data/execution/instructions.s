# Every instruction of RV64IMA that computes, on a table of awkward operands. For each one a line:
# a hash over all results. The expected lines were recorded from another emulator.
        .globl  _start
        .equ    COUNT, 18

# Hash t2 into s2.
        .macro  HASH
        xor     s2, s2, t2
        mul     s2, s2, s3
        srli    t3, s2, 29
        xor     s2, s2, t3
        .endm

# Run \body for each pair of operands in t0 and t1, then print the hash.
        .macro  PAIRS body:vararg
        li      s2, 1
        la      s4, operands
        li      s6, COUNT
1:      ld      t0, 0(s4)
        la      s5, operands
        li      s7, COUNT
2:      ld      t1, 0(s5)
        \body
        HASH
        addi    s5, s5, 8
        addi    s7, s7, -1
        bnez    s7, 2b
        addi    s4, s4, 8
        addi    s6, s6, -1
        bnez    s6, 1b
        call    print
        .endm

# The atomic \op on t0 in memory with t1: old value plus new one.
        .macro  AMO op
        sd      t0, 0(s8)
        \op     t2, t1, (s8)
        ld      t4, 0(s8)
        add     t2, t2, t4
        .endm

# A store-conditional that succeeds and one that has no reservation any more.
        .macro  RESERVE lr, sc
        sd      t0, 0(s8)
        \lr     t4, (s8)
        \sc     t5, t1, (s8)
        \sc     t6, t0, (s8)
        snez    t6, t6
        ld      t2, 0(s8)
        add     t2, t2, t4
        slli    t5, t5, 8
        add     t2, t2, t5
        add     t2, t2, t6
        .endm

        .text
_start: li      s3, 0x100000001b3
        .irp    op, add, sub, sll, slt, sltu, xor, srl, sra, or, and, addw, subw, sllw, srlw, sraw
        PAIRS   \op t2, t0, t1
        .endr
        .irp    op, mul, mulh, mulhsu, mulhu, div, divu, rem, remu, mulw, divw, divuw, remw, remuw
        PAIRS   \op t2, t0, t1
        .endr
        .irp    imm, -2048, -1, 0, 1, 5, 2047
        .irp    op, addi, slti, sltiu, xori, ori, andi, addiw
        PAIRS   \op t2, t0, \imm
        .endr
        .endr
        .irp    imm, 0, 1, 31
        .irp    op, slliw, srliw, sraiw
        PAIRS   \op t2, t0, \imm
        .endr
        .endr
        .irp    imm, 0, 1, 31, 32, 63
        .irp    op, slli, srli, srai
        PAIRS   \op t2, t0, \imm
        .endr
        .endr

# Branches: 1 if taken, else 2.
        .irp    op, beq, bne, blt, bge, bltu, bgeu
        li      s2, 1
        la      s4, operands
        li      s6, COUNT
1:      ld      t0, 0(s4)
        la      s5, operands
        li      s7, COUNT
2:      ld      t1, 0(s5)
        li      t2, 1
        \op     t0, t1, 3f
        li      t2, 2
3:      HASH
        addi    s5, s5, 8
        addi    s7, s7, -1
        bnez    s7, 2b
        addi    s4, s4, 8
        addi    s6, s6, -1
        bnez    s6, 1b
        call    print
        .endr

# Loads and stores at every offset of a line, misaligned ones and both sides of a page included.
        .irp    op, lb, lh, lw, ld, lbu, lhu, lwu
        li      s2, 1
        la      s4, page - 16
        li      s6, 32
1:      \op     t2, 0(s4)
        HASH
        addi    s4, s4, 1
        addi    s6, s6, -1
        bnez    s6, 1b
        call    print
        .endr
        .irp    op, sb, sh, sw, sd
        li      s2, 1
        la      s4, page - 16
        li      s6, 32
1:      mul     t0, s6, s3
        \op     t0, 0(s4)
        la      t1, page - 24
        li      s7, 6
2:      ld      t2, 0(t1)
        HASH
        addi    t1, t1, 8
        addi    s7, s7, -1
        bnez    s7, 2b
        addi    s4, s4, 1
        addi    s6, s6, -1
        bnez    s6, 1b
        call    print
        .endr

# Atomics: the old value and what memory holds afterwards.
        .irp    op, amoswap.w, amoadd.w, amoxor.w, amoand.w, amoor.w, amomin.w, amomax.w, amominu.w, amomaxu.w
        la      s8, cell
        PAIRS   AMO \op
        .endr
        .irp    op, amoswap.d.aqrl, amoadd.d.aqrl, amoxor.d.aqrl, amoand.d.aqrl, amoor.d.aqrl, amomin.d.aqrl, amomax.d.aqrl, amominu.d.aqrl, amomaxu.d.aqrl
        la      s8, cell
        PAIRS   AMO \op
        .endr
        la      s8, cell
        .irp    size, w, d
        PAIRS   RESERVE lr.\size, sc.\size
        .endr

# LUI, AUIPC as differences, JALR with low bit set.
        li      s2, 1
        lui     t2, 0xfffff
        HASH
        lui     t2, 0x7ffff
        HASH
        auipc   t0, 0
        auipc   t1, 0x80000
        sub     t2, t1, t0
        HASH
        la      t0, 1f
        jalr    t1, 1(t0)
        li      s2, 0
1:      sub     t2, t1, t0
        HASH
        call    print

        li      a0, 0
        li      a7, 93
        ecall

# Print s2 as 16 hex digits and a newline.
print:  la      a1, line
        li      t0, 16
        mv      t1, a1
1:      srli    t2, s2, 60
        slli    s2, s2, 4
        li      t3, 10
        addi    t4, t2, '0'
        bltu    t2, t3, 2f
        addi    t4, t2, 'a' - 10
2:      sb      t4, 0(t1)
        addi    t1, t1, 1
        addi    t0, t0, -1
        bnez    t0, 1b
        li      a0, 1
        li      a2, 17
        li      a7, 64
        ecall
        ret

        .section .rodata
        .balign 8
operands:
        .dword  0, 1, 2, -1, -2, 3, 31, 32, 63, 64
        .dword  0x7fffffff, 0x80000000, 0xffffffff, 0x100000000
        .dword  0x7fffffffffffffff, 0x8000000000000000, 0x123456789abcdef0, 0xfedcba9876543210

        .data
        .balign 4096
        .skip   4096 - 24
        .dword  0x8182838485868788, 0x7172737475767778, 0xf1f2f3f4f5f6f7f8
page:   .dword  0x0102030405060708, 0x91929394959697f8, 0xa1a2a3a4a5a6a7a8
        .balign 8
cell:   .dword  0
line:   .ascii  "0123456789abcdef\n"

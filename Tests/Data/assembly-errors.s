        .globl _start
        .equ SIZE, 64
        .macro twice r, v=1
        addi \r, \r, \v
        adi \r, \r, \v
        .endm
_start:
        addi a0, a0, 5000
        add a0, a1
        add a0, a1, a2, a3
        ecall 3
        lw a0, a1
        ld a0, 4096(sp)
        sw a0, buffer
        adddi a0, a0, 1
        mv a0, a9
        li a0, buffer
        li a0, a1
        addi a0, a0, a1
        beq a0, a1
        bne a0, a1, lop
loop:   nop
loop:   nop
        twice t0, 9999
        .wrod 5
        .word 1 +
        .word (1 + 2
        .asciz "unclosed
        .byte 300
        slli a0, a0, 64
        lui a0, 0x100000
        csrr a0, cycel
        fadd.d fa0, fa1, fa2
        c.addi a0, 1
        mret
        j 5f
        .if FOO
        .endif
        sh1add a0,a0,a0
        fence rw, zz
        lr.w a0, a1
        amoadd.w a0, a1, 4(a2)
        .align 64
        .section .foo,"q"
        .option foo
        jal a0, a1
        call SIZZE
        .data
buffer: .space 8
        .zero -3


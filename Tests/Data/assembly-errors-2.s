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


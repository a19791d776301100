        .file "corpus_dirs.s"
        .option push
        .option norelax
        .option pop
        .attribute arch, "rv64i2p1_m2p0_a2p1"
        .globl _start
        .macro ADD2 a, b=1, c:vararg
        addi \a, \a, \b
        .byte \c
        .byte 0
        .balign 8
        .endm
        .macro LAB n:req
lab_\n\(): nop
        .Lx\@: j .Lx\@
        .ifb \n
        .word 1
        .else
        .word 2
        .endif
        .endm
        .macro REC n
        .word \n
        .if \n
        REC (\n-1)
        .endif
        .endm
        .macro EX n
        .word 100
        .if \n > 5
        .exitm
        .endif
        .word 200
        .endm
        .equ A, 5
        .set B, A*2+1
        C = B << 3
_start: nop
        ADD2 a0
        ADD2 a1, 7
        ADD2 a2, 8, 1, 2, 3
        ADD2 b=9, a=a3
        LAB 1 ; LAB 2
        REC 4
        EX 3
        EX 9
        .rept 3
        .word A
        .set A, A+1
        .endr
        .irp r, a0, a1, s0
        mv \r, zero
        .endr
        .irpc d, 0123
        .byte 0x\d
        .endr
        .balign 8
        .if A > 7
        .word 1
        .elseif A > 6
        .word 2
        .else
        .word 3
        .endif
        .ifdef A
        .word 10
        .endif
        .ifndef QQ
        .word 11
        .endif
        .ifc abc, abc
        .word 12
        .endif
        .ifnc abc, abd
        .word 13
        .endif
        .ifeqs "x", "x"
        .word 14
        .endif
        .ifeq A-8
        .word 15
        .endif
        .ifgt A
        .word 16
        .endif
        .iflt A
        .word 17
        .endif
/* block
   comment */ li a0, 1 /* in line */ ; li a1, 2
        .dword 1+2*3, (1+2)*3, 7/2, -7/2, 7%3, -7%3, 1<<4+1, 1|2+4, 6&3|8, 5^1+2, ~0, !0, !5, -1>>60, 1<<63>>63, 10-4-3, 2*3%4, 1==1, 1==2, 1!=2, 1<>1, 1<2, 2<1, 2>=2, 3<=2, 1&&0, 1&&2, 0||0, 5||0, 5!3, 12 | 3 & 1, 1 + 2 == 3, 4-2*3 < 0 && 1, 0x10, 010, 0b101, 'a', 'a'+1, 0xffffffffffffffff, 1 << 2 + 3 * 4, -(3), - 3, ~ 5 + 1, 3 - -2, 2 + +3
        .word 1f - ., 1f - ., foo - _start, _start + 4
1:      .word 2f-1b
2:
        .balign 8
1:      .byte 1, 255, -1, -128, 'A', '\n', '"', ' '
        .2byte 0x1234, -1
        .half 1,2
        .short 3
        .4byte 0x12345678, -1, 4294967295
        .int 5
        .long 6
        .word 7
        .8byte 0x1122334455667788
        .quad -1, _start
        .dword foo, foo+8, foo-8
        .ascii "abc\n\t\\\"\101\x41\b\f\r\0"
        .asciz "x", "yy"
        .string "zz", "q"
        .zero 3
        .space 4, 0xee
        .skip 5
        .fill 3
        .fill 2, 4, 0x12345678
        .fill 2, 8, 0x1234567812345678
        .fill 2, 3, 0xabcdef
        .fill 1, 2, -1
        .balign 8
        .p2align 4
        .align 3
        .balign 16, 0xaa
        .byte 1
        .balign 16, 0xbb, 8
        .balign 4,,2
        .byte 2
        .balign 8
 .uleb128 0
 .uleb128 1
 .uleb128 127
 .uleb128 128
 .uleb128 300
 .uleb128 0xffffffffffffffff
 .sleb128 0
 .sleb128 63
 .sleb128 64
 .sleb128 -1
 .sleb128 -64
 .sleb128 -65
 .sleb128 123456
2:      .space 200
3:      .balign 4
        .float 1.5, -0.25
        .double 3.14159, 1e10
        .single 2.0
        .balign 8
        nop
        beq a0, a1, far
        bne a0, a1, far
        blt a0, a1, far
        bge a0, a1, far
        bltu a0, a1, far
        bgeu a0, a1, far
        beqz a0, far
        bgtz a0, far
        ble a0, a1, near
        blez a0, near
        bnez a0, foo
        j far
near:   .space 4000
        beq a0,a1, near
        beq a0,a1, _start
        bgez a2, 3b
far:    nop
        .org .+16
        .byte 1
        .balign 8
        nop
        .org far + 64, 0x5a
        li a0, (C + B) * 2
        lw a0, (A+3)(sp)
        addi a0, a0, -B
        lw a1, A*4(s0)
        .insn 0x00a50533
        .insn r 0x33, 0, 0, a0, a1, a2
        .insn i 0x13, 0, a0, a1, -5
        .insn i 0x3, 3, a0, 8(a1)
        .insn s 0x23, 3, a0, -8(a1)
        .insn u 0x37, a0, 0x12345
        .type f, @function
f:      ret
        .size f, .-f
        .weak wk
wk:     nop
        beqz a0, wk
        .section .text.unlikely,"ax",@progbits
        .align 2
unl:    nop
        j foo
        beqz a0, foo
        .text
        .section .rodata
        .byte 1
r1:     .word unl - ., 5
        .section .rodata.str1.8,"aMS",@progbits,1
        .align 3
s1:     .string "hello"
        .section .data.foo,"aw"
        .word 0x11
        .data
foo:    .dword 1, foo, bar, gv, r1, s1, lc
        .byte 3
        .section .sdata,"aw",@progbits
        .align 3
sd1:    .dword 77
        .section .sbss,"aw",@nobits
        .align 3
sb1:    .zero 8
        .bss
        .balign 64
bar:    .space 100
        .comm gv, 64, 32
        .local lc
        .comm lc, 8, 8
        .lcomm lc2, 16
        .pushsection .rodata
        .word 0x99
        .popsection
        .space 4
        .section .custom,"a"
        .ascii "custom"
        .section .init_array,"aw"
        .align 3
        .dword f
        .previous
        .byte 0x77
        .data
        .set ali, foo + 8
        .equiv ali2, foo
        .dword ali, ali2
here:   .set here2, . + 0
        .dword here2 - foo
        .word .L5-.L4, .L4-.L5
.L4:    .word 5
.L5:    .ident "GCC"
        .globl foo, bar
        .hidden foo
        .text
        la a0, foo ; la a1, bar ; la a2, s1 ; la a3, gv ; call f ; lw a0, sd1 ; sw a0, sb1, t0
        lui a5, %hi(r1) ; ld a5, %lo(r1)(a5) ; sd a5, %lo(bar+8)(a4)

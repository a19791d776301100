# The entry of a C program: calls main(argc, argv, envp), then exits with what it returns. And
# syscall(number, a0...a5), which returns minus errno on failure, as the kernel does.
        .globl  _start, syscall
        .text
_start: .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        ld      a0, 0(sp)               # argc
        addi    a1, sp, 8               # argv
        slli    a2, a0, 3
        add     a2, a2, a1
        addi    a2, a2, 8               # envp: behind argv and its null
        andi    sp, sp, -16
        call    main
        li      a7, 93                  # exit
        ecall

syscall:
        mv      a7, a0
        mv      a0, a1
        mv      a1, a2
        mv      a2, a3
        mv      a3, a4
        mv      a4, a5
        mv      a5, a6
        ecall
        ret
	.file	"all.c"
	.option pic
	.attribute arch, "rv64i2p1_m2p0_a2p1"
	.attribute unaligned_access, 0
	.attribute stack_align, 16
	.text
	.align	2
	.type	field, @function
field:
	addi	sp,sp,-64
	sd	s0,48(sp)
	sd	s4,16(sp)
	sd	s5,8(sp)
	mv	s4,a2
	sd	ra,56(sp)
	sd	s1,40(sp)
	sd	s2,32(sp)
	sd	s3,24(sp)
	sd	s6,0(sp)
	sext.w	a2,a2
	mv	s0,a0
	mv	s5,a1
	bge	a2,a3,.L24
	subw	s1,a3,a2
	bne	a4,zero,.L4
	ld	a4,512(a0)
	mv	s2,a5
	li	s3,512
.L7:
	beq	a4,s3,.L5
	mv	a3,a4
	addi	a4,a4,1
.L6:
	add	a3,s0,a3
	sd	a4,512(s0)
	sb	s2,0(a3)
	lw	a3,520(s0)
	addiw	s1,s1,-1
	addiw	a3,a3,1
	sw	a3,520(s0)
	bne	s1,zero,.L7
.L24:
	li	s1,0
	beq	s4,zero,.L1
.L16:
	ld	a5,512(s0)
	li	s2,0
	li	s6,512
	j	.L11
.L28:
	mv	a4,a5
	addi	a5,a5,1
	add	a4,s0,a4
	sd	a5,512(s0)
	sb	s3,0(a4)
	lw	a4,520(s0)
	addi	s2,s2,1
	addiw	a4,a4,1
	sw	a4,520(s0)
	bleu	s4,s2,.L27
.L11:
	add	a4,s5,s2
	lbu	s3,0(a4)
	bne	a5,s6,.L28
	li	a3,512
	mv	a2,s0
	li	a1,1
	li	a0,64
	call	syscall@plt
	li	a5,1
	li	a4,0
	add	a4,s0,a4
	sd	a5,512(s0)
	sb	s3,0(a4)
	lw	a4,520(s0)
	addi	s2,s2,1
	addiw	a4,a4,1
	sw	a4,520(s0)
	bgtu	s4,s2,.L11
.L27:
	beq	s1,zero,.L1
.L17:
	ld	a5,512(s0)
	li	s3,512
	li	s2,32
.L15:
	beq	a5,s3,.L13
	mv	a4,a5
	addi	a5,a5,1
.L14:
	add	a4,s0,a4
	sd	a5,512(s0)
	sb	s2,0(a4)
	lw	a4,520(s0)
	addiw	s1,s1,-1
	addiw	a4,a4,1
	sw	a4,520(s0)
	bne	s1,zero,.L15
.L1:
	ld	ra,56(sp)
	ld	s0,48(sp)
	ld	s1,40(sp)
	ld	s2,32(sp)
	ld	s3,24(sp)
	ld	s4,16(sp)
	ld	s5,8(sp)
	ld	s6,0(sp)
	addi	sp,sp,64
	jr	ra
.L13:
	li	a3,512
	mv	a2,s0
	li	a1,1
	li	a0,64
	call	syscall@plt
	li	a5,1
	li	a4,0
	j	.L14
.L4:
	bne	s4,zero,.L16
	j	.L17
.L5:
	li	a3,512
	mv	a2,s0
	li	a1,1
	li	a0,64
	call	syscall@plt
	li	a4,1
	li	a3,0
	j	.L6
	.size	field, .-field
	.align	2
	.globl	exit
	.type	exit, @function
exit:
	addi	sp,sp,-16
	sd	s0,0(sp)
	sd	ra,8(sp)
	mv	s0,a0
.L30:
	mv	a1,s0
	li	a0,94
	call	syscall@plt
	j	.L30
	.size	exit, .-exit
	.align	2
	.globl	memcpy
	.type	memcpy, @function
memcpy:
	beq	a2,zero,.L33
	add	a2,a0,a2
	mv	a5,a0
.L34:
	lbu	a4,0(a1)
	addi	a5,a5,1
	addi	a1,a1,1
	sb	a4,-1(a5)
	bne	a5,a2,.L34
.L33:
	ret
	.size	memcpy, .-memcpy
	.align	2
	.globl	memset
	.type	memset, @function
memset:
	andi	a1,a1,0xff
	add	a4,a0,a2
	mv	a5,a0
	beq	a2,zero,.L45
.L41:
	addi	a5,a5,1
	sb	a1,-1(a5)
	bne	a5,a4,.L41
.L45:
	ret
	.size	memset, .-memset
	.align	2
	.globl	memcmp
	.type	memcmp, @function
memcmp:
	beq	a2,zero,.L50
	add	a2,a1,a2
	j	.L49
.L48:
	beq	a1,a2,.L50
.L49:
	lbu	a5,0(a0)
	lbu	a4,0(a1)
	addi	a0,a0,1
	addi	a1,a1,1
	beq	a5,a4,.L48
	subw	a0,a5,a4
	ret
.L50:
	li	a0,0
	ret
	.size	memcmp, .-memcmp
	.align	2
	.globl	strlen
	.type	strlen, @function
strlen:
	lbu	a5,0(a0)
	mv	a4,a0
	li	a0,0
	beq	a5,zero,.L55
.L54:
	addi	a0,a0,1
	add	a5,a4,a0
	lbu	a5,0(a5)
	bne	a5,zero,.L54
	ret
.L55:
	ret
	.size	strlen, .-strlen
	.align	2
	.globl	strcmp
	.type	strcmp, @function
strcmp:
	lbu	a5,0(a0)
	bne	a5,zero,.L58
	j	.L63
.L60:
	lbu	a5,0(a0)
	beq	a5,zero,.L64
	mv	a1,a3
.L58:
	lbu	a4,0(a1)
	addi	a0,a0,1
	addi	a3,a1,1
	beq	a4,a5,.L60
	sext.w	a0,a5
.L59:
	subw	a0,a0,a4
	ret
.L64:
	lbu	a4,1(a1)
	li	a0,0
	subw	a0,a0,a4
	ret
.L63:
	lbu	a4,0(a1)
	li	a0,0
	j	.L59
	.size	strcmp, .-strcmp
	.section	.rodata.str1.8,"aMS",@progbits,1
	.align	3
.LC0:
	.string	"0123456789abcdef"
	.text
	.align	2
	.globl	printf
	.type	printf, @function
printf:
	addi	sp,sp,-736
	sd	s2,640(sp)
	addi	s2,sp,48
	sd	s0,656(sp)
	sd	a1,680(sp)
	mv	s0,a0
	sd	a2,688(sp)
	li	a1,0
	li	a2,528
	mv	a0,s2
	sd	s1,648(sp)
	sd	a5,712(sp)
	sd	ra,664(sp)
	sd	s3,632(sp)
	sd	s4,624(sp)
	sd	s5,616(sp)
	sd	s6,608(sp)
	sd	s7,600(sp)
	sd	s8,592(sp)
	sd	s9,584(sp)
	sd	a3,696(sp)
	sd	a4,704(sp)
	sd	a6,720(sp)
	sd	a7,728(sp)
	call	memset@plt
	lbu	s1,0(s0)
	addi	a5,sp,680
	sd	a5,16(sp)
	beq	s1,zero,.L67
	li	s3,2359296
	li	s9,37
	li	s7,48
	li	s6,122
	addi	s3,s3,66
	lla	s8,.LC0
.L66:
	beq	s1,s9,.L130
.L83:
	ld	a5,560(sp)
	li	a4,512
	beq	a5,a4,.L103
	addi	a3,a5,1
.L104:
	lw	a4,568(sp)
	addi	a5,a5,560
	addi	a2,sp,16
	add	a5,a5,a2
	sd	a3,560(sp)
	addiw	a4,a4,1
	sb	s1,-528(a5)
	sw	a4,568(sp)
.L72:
	lbu	s1,1(s0)
	addi	s0,s0,1
	bne	s1,zero,.L66
.L67:
	ld	a3,560(sp)
	mv	a2,s2
	li	a1,1
	li	a0,64
	call	syscall@plt
	ld	ra,664(sp)
	ld	s0,656(sp)
	lw	a0,568(sp)
	ld	s1,648(sp)
	ld	s2,640(sp)
	ld	s3,632(sp)
	ld	s4,624(sp)
	ld	s5,616(sp)
	ld	s6,608(sp)
	ld	s7,600(sp)
	ld	s8,592(sp)
	ld	s9,584(sp)
	addi	sp,sp,736
	jr	ra
.L130:
	lbu	a2,1(s0)
	li	a3,45
	addi	s0,s0,1
	li	a5,32
	li	a4,0
	beq	a2,a3,.L106
.L132:
	bne	a2,s7,.L131
	li	a5,48
	addi	s0,s0,1
.L133:
	lbu	a2,0(s0)
	bne	a2,a3,.L132
.L106:
	li	a4,1
	addi	s0,s0,1
	j	.L133
.L131:
	addiw	a3,a2,-48
	andi	a3,a3,0xff
	li	a1,9
	li	s4,0
	bgtu	a3,a1,.L74
.L75:
	slliw	a3,s4,2
	addw	a3,a3,s4
	slliw	a3,a3,1
	addi	s0,s0,1
	addw	a3,a3,a2
	lbu	a2,0(s0)
	addiw	s4,a3,-48
	addiw	a3,a2,-48
	andi	a3,a3,0xff
	bleu	a3,a1,.L75
.L74:
	li	a2,0
	li	a3,108
	j	.L76
.L77:
	addi	s0,s0,1
	li	a2,1
.L76:
	lbu	s1,0(s0)
	beq	s1,a3,.L77
	beq	s1,s6,.L77
	li	a3,115
	beq	s1,a3,.L134
	beq	s1,zero,.L67
	addiw	a1,s1,-99
	andi	a1,a1,0xff
	li	a3,21
	bgtu	a1,a3,.L83
	li	a3,1
	sll	a3,a3,a1
	and	a0,a3,s3
	bne	a0,zero,.L84
	li	a2,13
	beq	a1,a2,.L85
	andi	a3,a3,1
	beq	a3,zero,.L83
	ld	a3,16(sp)
	li	a5,32
	li	a2,1
	lw	a7,0(a3)
	addi	a6,a3,8
	addi	a1,sp,24
	mv	a3,s4
	mv	a0,s2
	sd	a6,16(sp)
	sb	a7,24(sp)
	call	field
	j	.L72
.L103:
	li	a3,512
	mv	a2,s2
	li	a1,1
	li	a0,64
	call	syscall@plt
	li	a3,1
	li	a5,0
	j	.L104
.L85:
	ld	a3,16(sp)
	li	a1,16
	li	a7,0
	addi	a2,a3,8
	ld	a3,0(a3)
	sd	a2,16(sp)
.L86:
	mv	s5,s2
.L97:
	remu	a2,a3,a1
	mv	a6,s5
	addi	s5,s5,-1
	mv	a0,a3
	add	a2,s8,a2
	lbu	a2,0(a2)
	divu	a3,a3,a1
	sb	a2,0(s5)
	bgeu	a0,a1,.L97
	li	a3,112
	beq	s1,a3,.L135
.L98:
	beq	a7,zero,.L99
	li	a3,48
	beq	a5,a3,.L136
	li	a3,45
	sb	a3,-1(s5)
	addi	s5,s5,-1
.L99:
	mv	a3,s4
	sub	a2,s2,s5
	mv	a1,s5
	mv	a0,s2
	call	field
	j	.L72
.L84:
	ld	a3,16(sp)
	addi	a1,a3,8
	beq	a2,zero,.L87
	sd	a1,16(sp)
	li	a2,100
	ld	a3,0(a3)
	beq	s1,a2,.L88
	li	a2,105
	beq	s1,a2,.L88
.L94:
	andi	a2,s1,247
	li	a0,112
	li	a1,10
	li	a7,0
	bne	a2,a0,.L86
	li	a1,16
	j	.L86
.L134:
	ld	a5,16(sp)
	li	a2,0
	ld	a1,0(a5)
	addi	a5,a5,8
	sd	a5,16(sp)
	lbu	a5,0(a1)
	beq	a5,zero,.L79
.L80:
	addi	a2,a2,1
	add	a5,a1,a2
	lbu	a5,0(a5)
	bne	a5,zero,.L80
.L79:
	li	a5,32
	mv	a3,s4
	mv	a0,s2
	call	field
	j	.L72
.L135:
	li	a3,120
	sb	a3,-1(s5)
	li	a3,48
	sb	a3,-2(s5)
	addi	s5,a6,-3
	j	.L98
.L87:
	li	a2,100
	beq	s1,a2,.L90
	li	a2,105
	beq	s1,a2,.L90
	lwu	a3,0(a3)
	sd	a1,16(sp)
	j	.L94
.L136:
	ld	a3,560(sp)
	li	a2,512
	beq	a3,a2,.L101
	addi	a1,a3,1
.L102:
	lw	a2,568(sp)
	addi	a0,sp,16
	addi	a3,a3,560
	add	a3,a3,a0
	addiw	a2,a2,1
	sd	a1,560(sp)
	addiw	s4,s4,-1
	li	a1,45
	sb	a1,-528(a3)
	sw	a2,568(sp)
	mv	a3,s4
	sub	a2,s2,s5
	mv	a1,s5
	mv	a0,s2
	call	field
	j	.L72
.L88:
	blt	a3,zero,.L96
.L93:
	li	a1,10
	li	a7,0
	j	.L86
.L90:
	lw	a3,0(a3)
	sd	a1,16(sp)
	bge	a3,zero,.L93
.L96:
	neg	a3,a3
	li	a1,10
	li	a7,1
	j	.L86
.L101:
	li	a3,512
	li	a1,1
	mv	a2,s2
	li	a0,64
	sd	a5,8(sp)
	sd	a4,0(sp)
	call	syscall@plt
	ld	a5,8(sp)
	ld	a4,0(sp)
	li	a1,1
	li	a3,0
	j	.L102
	.size	printf, .-printf
	.align	2
	.globl	malloc
	.type	malloc, @function
malloc:
	srli	a5,a0,46
	bne	a5,zero,.L153
	addi	sp,sp,-48
	sd	ra,40(sp)
	sd	s0,32(sp)
	sd	s1,24(sp)
	sd	s2,16(sp)
	sd	s3,8(sp)
	addi	a0,a0,16
	li	a5,32
	bleu	a0,a5,.L148
	li	s0,5
	li	a5,1
.L141:
	addiw	s0,s0,1
	sll	s1,a5,s0
	bgtu	a0,s1,.L141
.L140:
	lla	s2,.LANCHOR0
	slli	a5,s0,3
	add	a5,s2,a5
	ld	a0,0(a5)
	beq	a0,zero,.L142
	ld	a4,0(a0)
	sd	a4,0(a5)
.L143:
	sd	s0,0(a0)
	ld	ra,40(sp)
	ld	s0,32(sp)
	ld	s1,24(sp)
	ld	s2,16(sp)
	ld	s3,8(sp)
	addi	a0,a0,16
	addi	sp,sp,48
	jr	ra
.L142:
	ld	a0,384(s2)
	beq	a0,zero,.L144
	ld	a5,392(s2)
	sub	a5,a5,a0
	bgt	s1,a5,.L154
.L146:
	add	s1,a0,s1
	sd	s1,384(s2)
	j	.L143
.L154:
	li	s3,65536
	add	s3,s1,s3
	add	s3,a0,s3
	mv	a1,s3
	li	a0,214
	call	syscall@plt
	bgtu	s3,a0,.L147
	ld	a0,384(s2)
	sd	s3,392(s2)
	j	.L146
.L147:
	ld	ra,40(sp)
	ld	s0,32(sp)
	ld	s1,24(sp)
	ld	s2,16(sp)
	ld	s3,8(sp)
	li	a0,0
	addi	sp,sp,48
	jr	ra
.L148:
	li	s1,32
	li	s0,5
	j	.L140
.L144:
	li	a1,0
	li	a0,214
	call	syscall@plt
	addi	a0,a0,15
	andi	a0,a0,-16
	sd	a0,392(s2)
	sd	a0,384(s2)
	li	a5,0
	ble	s1,a5,.L146
	j	.L154
.L153:
	li	a0,0
	ret
	.size	malloc, .-malloc
	.align	2
	.globl	free
	.type	free, @function
free:
	beq	a0,zero,.L155
	ld	a4,-16(a0)
	lla	a5,.LANCHOR0
	addi	a3,a0,-16
	slli	a4,a4,3
	add	a5,a5,a4
	ld	a4,0(a5)
	sd	a3,0(a5)
	sd	a4,-16(a0)
.L155:
	ret
	.size	free, .-free
	.section	.rodata.str1.8
	.align	3
.LC1:
	.string	"yes"
	.align	3
.LC2:
	.string	"no"
	.align	3
.LC3:
	.string	""
	.align	3
.LC4:
	.string	"%d words, %d distinct, %d argument%s\n"
	.align	3
.LC5:
	.string	"s"
	.align	3
.LC6:
	.string	"  %d: %s\n"
	.align	3
.LC7:
	.string	"right"
	.align	3
.LC8:
	.string	"left"
	.align	3
.LC9:
	.string	"%-8s|%8s|%05d|%x|%c|%5ld|\n"
	.align	3
.LC10:
	.string	"freed memory is used again: %s\n"
	.section	.text.startup,"ax",@progbits
	.align	2
	.globl	main
	.type	main, @function
main:
	addi	sp,sp,-112
	sd	s8,32(sp)
	li	s8,4096
	sd	s0,96(sp)
	sd	s1,88(sp)
	sd	s2,80(sp)
	sd	s6,48(sp)
	sd	s7,40(sp)
	sd	s9,24(sp)
	sd	s10,16(sp)
	sd	s11,8(sp)
	sd	ra,104(sp)
	sd	s3,72(sp)
	sd	s4,64(sp)
	sd	s5,56(sp)
	mv	s1,a0
	mv	s0,a1
	lla	s7,.LANCHOR1
	li	s11,0
	li	s10,0
	li	a5,97
	lla	s2,.LANCHOR0
	lla	s9,.LANCHOR0+400
	addi	s8,s8,1285
	li	s6,32
.L161:
	mv	s5,s7
	mv	a3,s8
	li	s4,0
	j	.L176
.L163:
	addi	s5,s5,1
	addw	a3,a4,a5
	lbu	a5,0(s5)
	addi	s4,s4,1
	beq	a5,zero,.L162
.L176:
	slliw	a4,a3,5
	addw	a4,a4,a3
	bne	a5,s6,.L163
.L162:
	andi	s3,a3,63
	slli	s3,s3,3
	add	a5,s2,s3
	ld	a3,400(a5)
	add	s3,s9,s3
	addi	t1,s4,12
	beq	a3,zero,.L165
.L164:
	lbu	a5,12(a3)
	beq	a5,zero,.L166
	li	a5,0
.L167:
	addi	a5,a5,1
	add	a4,a3,a5
	lbu	a4,12(a4)
	bne	a4,zero,.L167
	beq	a5,s4,.L203
.L169:
	mv	s3,a3
	ld	a3,0(a3)
	bne	a3,zero,.L164
.L165:
	addi	a0,s4,17
	call	malloc
	sd	a0,0(s3)
	sd	zero,0(a0)
	ld	a3,0(s3)
	sw	zero,8(a0)
	mv	a5,s7
	add	a0,s7,s4
	addi	a4,a3,12
	beq	s4,zero,.L174
.L173:
	lbu	a3,0(a5)
	addi	a5,a5,1
	addi	a4,a4,1
	sb	a3,-1(a4)
	bne	a0,a5,.L173
	ld	a3,0(s3)
.L174:
	add	a3,a3,s4
	sb	zero,12(a3)
	addiw	s11,s11,1
.L170:
	ld	a4,0(s3)
	addiw	s10,s10,1
	lw	a5,8(a4)
	addiw	a5,a5,1
	sw	a5,8(a4)
	lbu	a5,0(s5)
	addi	a5,a5,-32
	seqz	a5,a5
	add	a5,a5,s4
	add	s7,s7,a5
	lbu	a5,0(s7)
	bne	a5,zero,.L161
	li	a5,2
	beq	s1,a5,.L204
	lla	a4,.LC5
	addiw	a3,s1,-1
	mv	a2,s11
	mv	a1,s10
	lla	a0,.LC4
	call	printf
	li	a5,1
	ble	s1,a5,.L182
.L178:
	addi	s0,s0,8
	li	s3,1
	lla	s4,.LC6
.L181:
	ld	a2,0(s0)
	mv	a1,s3
	mv	a0,s4
	addiw	s3,s3,1
	call	printf
	addi	s0,s0,8
	bgt	s1,s3,.L181
.L182:
	li	a0,1000
	call	malloc
	mv	s0,a0
	beq	a0,zero,.L179
	ld	a4,-16(a0)
	addi	a5,a0,-16
	slli	a4,a4,3
	add	s2,s2,a4
	ld	a4,0(s2)
	sd	a5,0(s2)
	sd	a4,-16(a0)
.L179:
	li	a4,49152
	lla	a1,.LC8
	li	a6,-7
	li	a5,99
	addi	a4,a4,-273
	li	a3,-42
	lla	a2,.LC7
	lla	a0,.LC9
	call	printf
	li	a0,900
	call	malloc
	lla	a1,.LC2
	beq	s0,a0,.L205
.L183:
	lla	a0,.LC10
	call	printf
	ld	ra,104(sp)
	ld	s0,96(sp)
	ld	s1,88(sp)
	ld	s2,80(sp)
	ld	s3,72(sp)
	ld	s4,64(sp)
	ld	s5,56(sp)
	ld	s6,48(sp)
	ld	s7,40(sp)
	ld	s8,32(sp)
	ld	s9,24(sp)
	ld	s10,16(sp)
	ld	s11,8(sp)
	li	a0,7
	addi	sp,sp,112
	jr	ra
.L203:
	addi	a5,a3,12
	mv	a4,s7
	add	a7,a3,t1
	j	.L171
.L206:
	beq	a5,a7,.L170
.L171:
	lbu	a6,0(a5)
	lbu	a0,0(a4)
	addi	a5,a5,1
	addi	a4,a4,1
	beq	a6,a0,.L206
	j	.L169
.L166:
	bne	s4,zero,.L169
	j	.L170
.L204:
	lla	a4,.LC3
	li	a3,1
	mv	a2,s11
	mv	a1,s10
	lla	a0,.LC4
	call	printf
	j	.L178
.L205:
	lla	a1,.LC1
	j	.L183
	.size	main, .-main
	.section	.rodata
	.align	3
	.set	.LANCHOR1,. + 0
	.type	text, @object
	.size	text, 88
text:
	.string	"a page is a page is a frame when a frame is there and a fault when a frame is not there"
	.bss
	.align	3
	.set	.LANCHOR0,. + 0
	.type	lists, @object
	.size	lists, 384
lists:
	.zero	384
	.type	heap, @object
	.size	heap, 8
heap:
	.zero	8
	.type	heapEnd, @object
	.size	heapEnd, 8
heapEnd:
	.zero	8
	.type	table, @object
	.size	table, 512
table:
	.zero	512
	.ident	"GCC: (Debian 12.2.0-13) 12.2.0"
	.section	.note.GNU-stack,"",@progbits

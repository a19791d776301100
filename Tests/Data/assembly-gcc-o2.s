	.file	"b1.c"
	.option nopic
	.attribute arch, "rv64i2p1_m2p0_a2p1"
	.attribute unaligned_access, 0
	.attribute stack_align, 16
	.text
	.section	.text.unlikely,"ax",@progbits
	.align	2
	.globl	coldf
	.type	coldf, @function
coldf:
	mulw	a0,a0,a0
	ret
	.size	coldf, .-coldf
	.globl	alias_t
	.set	alias_t,coldf
	.section	.text.special,"ax",@progbits
	.align	2
	.globl	spec
	.type	spec, @function
spec:
	mulw	a0,a0,a0
	addiw	a0,a0,1
	ret
	.size	spec, .-spec
	.text
	.align	2
	.type	srt, @function
srt:
	lw	a0,0(a0)
	lw	a5,0(a1)
	subw	a0,a0,a5
	ret
	.size	srt, .-srt
	.align	2
	.globl	sw
	.type	sw, @function
sw:
	li	a5,7
	bgtu	a0,a5,.L6
	lui	a5,%hi(.L8)
	addi	a5,a5,%lo(.L8)
	slli	a0,a0,2
	add	a0,a0,a5
	lw	a5,0(a0)
	jr	a5
	.section	.rodata
	.align	2
	.align	2
.L8:
	.word	.L15
	.word	.L16
	.word	.L13
	.word	.L12
	.word	.L11
	.word	.L10
	.word	.L9
	.word	.L7
	.text
.L16:
	li	a0,77
	ret
.L15:
	li	a0,5
	ret
.L7:
	lui	a5,%hi(st)
	lw	a0,%lo(st)(a5)
	addiw	a4,a0,1
	sw	a4,%lo(st)(a5)
	ret
.L10:
	li	a0,15
	ret
.L9:
	li	a0,100
	ret
.L13:
	lui	a5,%hi(.LANCHOR0+8)
	lw	a0,%lo(.LANCHOR0+8)(a5)
	addiw	a0,a0,2
	ret
.L12:
	li	a0,4
	ret
.L11:
	li	a0,9
	ret
.L6:
	li	a0,-1
	ret
	.size	sw, .-sw
	.align	2
	.globl	ext_fn
	.type	ext_fn, @function
ext_fn:
	andi	a3,a0,63
	lui	a4,%hi(.LANCHOR0)
	slli	a3,a3,2
	li	a5,7
	addi	a4,a4,%lo(.LANCHOR0)
	divw	a5,a0,a5
	add	a4,a4,a3
	li	a3,13
	lw	a4,0(a4)
	remw	a0,a0,a3
	addw	a5,a5,a4
	addw	a0,a5,a0
	ret
	.size	ext_fn, .-ext_fn
	.align	2
	.globl	mulh
	.type	mulh, @function
mulh:
	mulh	a0,a0,a1
	ret
	.size	mulh, .-mulh
	.align	2
	.globl	consts
	.type	consts, @function
consts:
	lui	a5,%hi(.LANCHOR1)
	slli	a0,a0,3
	addi	a5,a5,%lo(.LANCHOR1)
	add	a5,a5,a0
	ld	a0,0(a5)
	lui	a5,%hi(.LC0)
	ld	a5,%lo(.LC0)(a5)
	xor	a0,a0,a5
	ret
	.size	consts, .-consts
	.align	2
	.globl	memcpy2
	.type	memcpy2, @function
memcpy2:
	beq	a2,zero,.L21
	add	a2,a0,a2
	mv	a5,a0
.L22:
	lbu	a4,0(a1)
	addi	a5,a5,1
	addi	a1,a1,1
	sb	a4,-1(a5)
	bne	a5,a2,.L22
.L21:
	ret
	.size	memcpy2, .-memcpy2
	.section	.rodata.str1.8,"aMS",@progbits,1
	.align	3
.LC1:
	.string	"abc"
	.text
	.align	2
	.globl	cmp
	.type	cmp, @function
cmp:
	lui	a1,%hi(.LC1)
	addi	a1,a1,%lo(.LC1)
	tail	strcmp
	.size	cmp, .-cmp
	.align	2
	.globl	strcmp
	.type	strcmp, @function
strcmp:
	lbu	a5,0(a0)
	bne	a5,zero,.L29
	j	.L34
.L31:
	lbu	a5,0(a0)
	beq	a5,zero,.L35
	mv	a1,a3
.L29:
	lbu	a4,0(a1)
	addi	a0,a0,1
	addi	a3,a1,1
	beq	a4,a5,.L31
	sext.w	a0,a5
.L30:
	subw	a0,a0,a4
	ret
.L35:
	lbu	a4,1(a1)
	li	a0,0
	subw	a0,a0,a4
	ret
.L34:
	lbu	a4,0(a1)
	li	a0,0
	j	.L30
	.size	strcmp, .-strcmp
	.align	2
	.globl	atom
	.type	atom, @function
atom:
	mv	a5,a0
	li	a3,3
	fence iorw,ow; amoadd.w.aq a4,a3,0(a0)
	li	a0,1
	amoswap.w.aq a0,a0,0(a5)
	addw	a0,a4,a0
	ret
	.size	atom, .-atom
	.align	2
	.globl	cas
	.type	cas, @function
cas:
	mv	a5,a0
	 1: lr.d a0,0(a5); bne a0,a1,1f; sc.d.aq a4,a2,0(a5); bnez a4,1b; 1:
	ret
	.size	cas, .-cas
	.align	2
	.globl	qs
	.type	qs, @function
qs:
	addi	sp,sp,-64
	sd	s4,16(sp)
	sd	ra,56(sp)
	sd	s0,48(sp)
	sd	s1,40(sp)
	sd	s2,32(sp)
	sd	s3,24(sp)
	sd	s5,8(sp)
	sd	s6,0(sp)
	li	s4,1
	ble	a1,s4,.L38
	mv	s3,a0
	mv	s6,a1
	mv	s2,a2
	addi	s5,a0,4
.L42:
	mv	s1,s5
	j	.L41
.L43:
	lw	a4,0(s0)
	lw	a5,-4(s0)
	sw	a4,-4(s0)
	sw	a5,0(s0)
	beq	s3,s1,.L44
.L41:
	mv	s0,s1
	addi	s1,s1,-4
	mv	a1,s0
	mv	a0,s1
	jalr	s2
	bgt	a0,zero,.L43
.L44:
	addiw	s4,s4,1
	addi	s5,s5,4
	bne	s6,s4,.L42
.L38:
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
	.size	qs, .-qs
	.align	2
	.globl	run
	.type	run, @function
run:
	lui	a2,%hi(.LANCHOR0)
	addi	a2,a2,%lo(.LANCHOR0)
	addi	a0,a2,4
	li	a1,1
	li	a6,100
.L51:
	mv	a5,a0
	j	.L52
.L54:
	sw	a3,0(a5)
	sw	a4,-4(a5)
	addi	a5,a5,-4
	beq	a2,a5,.L55
.L52:
	lw	a3,-4(a5)
	lw	a4,0(a5)
	bgt	a3,a4,.L54
.L55:
	addi	a1,a1,1
	addi	a0,a0,4
	bne	a1,a6,.L51
	ret
	.size	run, .-run
	.section	.text.startup,"ax",@progbits
	.align	2
	.globl	main
	.type	main, @function
main:
	lui	a0,%hi(.LANCHOR0)
	lui	a2,%hi(srt)
	addi	sp,sp,-16
	addi	a0,a0,%lo(.LANCHOR0)
	addi	a2,a2,%lo(srt)
	li	a1,100
	sd	ra,8(sp)
	call	qs
	ld	ra,8(sp)
	li	a0,4
	addi	sp,sp,16
	jr	ra
	.size	main, .-main
	.globl	fp
	.globl	gp
	.globl	g
	.globl	msg
	.globl	big
	.globl	f
	.globl	d
	.globl	names
	.section	.rodata.str1.8
	.align	3
.LC2:
	.string	"zero"
	.align	3
.LC3:
	.string	"one"
	.align	3
.LC4:
	.string	"two"
	.globl	table
	.section	.srodata.cst8,"aM",@progbits,8
	.align	3
.LC0:
	.dword	-2401053089206453570
	.data
	.align	3
	.type	fp, @object
	.size	fp, 24
fp:
	.dword	sw
	.dword	coldf
	.dword	spec
	.type	g, @object
	.size	g, 24
g:
	.byte	1
	.zero	7
	.dword	2
	.half	3
	.zero	6
	.type	names, @object
	.size	names, 24
names:
	.dword	.LC2
	.dword	.LC3
	.dword	.LC4
	.bss
	.align	3
	.set	.LANCHOR0,. + 0
	.type	table, @object
	.size	table, 400
table:
	.zero	400
	.type	big, @object
	.size	big, 5000
big:
	.zero	5000
	.section	.rodata
	.align	3
	.set	.LANCHOR1,. + 0
	.type	k.0, @object
	.size	k.0, 24
k.0:
	.dword	1311768467463790320
	.dword	-1
	.dword	-9223372036854775808
	.type	msg, @object
	.size	msg, 20
msg:
	.string	"hello\tworld\n\"q\"\\ \001\377"
	.section	.sbss,"aw",@nobits
	.align	2
	.type	st, @object
	.size	st, 4
st:
	.zero	4
	.section	.sdata,"aw"
	.align	3
	.type	gp, @object
	.size	gp, 8
gp:
	.dword	g
	.type	f, @object
	.size	f, 4
f:
	.word	1069547520
	.zero	4
	.type	d, @object
	.size	d, 8
d:
	.word	0
	.word	1074397184
	.ident	"GCC: (Debian 12.2.0-13) 12.2.0"
	.section	.note.GNU-stack,"",@progbits

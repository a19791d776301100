	.file	"a2.c"
	.option nopic
	.attribute arch, "rv64i2p1_m2p0_a2p1"
	.attribute unaligned_access, 0
	.attribute stack_align, 16
	.text
	.align	2
	.type	sys, @function
sys:
	addi	sp,sp,-48
	sd	s0,40(sp)
	addi	s0,sp,48
	sd	a0,-24(s0)
	sd	a1,-32(s0)
	sd	a2,-40(s0)
	sd	a3,-48(s0)
	ld	a7,-24(s0)
	ld	a0,-32(s0)
	ld	a1,-40(s0)
	ld	a2,-48(s0)
#APP
# 2 "a2.c" 1
	ecall
# 0 "" 2
#NO_APP
	mv	a5,a0
	mv	a0,a5
	ld	s0,40(sp)
	addi	sp,sp,48
	jr	ra
	.size	sys, .-sys
	.local	buf
	.comm	buf,64,8
	.globl	sieve
	.bss
	.align	3
	.type	sieve, @object
	.size	sieve, 80000
sieve:
	.zero	80000
	.globl	hexd
	.section	.rodata
	.align	3
	.type	hexd, @object
	.size	hexd, 17
hexd:
	.string	"0123456789abcdef"
	.globl	counter
	.section	.sdata,"aw"
	.align	3
	.type	counter, @object
	.size	counter, 8
counter:
	.dword	5
	.text
	.align	2
	.type	puthex, @function
puthex:
	addi	sp,sp,-48
	sd	ra,40(sp)
	sd	s0,32(sp)
	addi	s0,sp,48
	sd	a0,-40(s0)
	sw	zero,-20(s0)
	li	a5,60
	sw	a5,-24(s0)
	j	.L4
.L5:
	lw	a5,-24(s0)
	mv	a4,a5
	ld	a5,-40(s0)
	srl	a5,a5,a4
	andi	a4,a5,15
	lw	a5,-20(s0)
	addiw	a3,a5,1
	sw	a3,-20(s0)
	lui	a3,%hi(hexd)
	addi	a3,a3,%lo(hexd)
	add	a4,a3,a4
	lbu	a4,0(a4)
	lui	a3,%hi(buf)
	addi	a3,a3,%lo(buf)
	add	a5,a3,a5
	sb	a4,0(a5)
	lw	a5,-24(s0)
	addiw	a5,a5,-4
	sw	a5,-24(s0)
.L4:
	lw	a5,-24(s0)
	sext.w	a5,a5
	bge	a5,zero,.L5
	lw	a5,-20(s0)
	addiw	a4,a5,1
	sw	a4,-20(s0)
	lui	a4,%hi(buf)
	addi	a4,a4,%lo(buf)
	add	a5,a4,a5
	li	a4,10
	sb	a4,0(a5)
	lui	a5,%hi(buf)
	addi	a5,a5,%lo(buf)
	lw	a4,-20(s0)
	mv	a3,a4
	mv	a2,a5
	li	a1,1
	li	a0,64
	call	sys
	nop
	ld	ra,40(sp)
	ld	s0,32(sp)
	addi	sp,sp,48
	jr	ra
	.size	puthex, .-puthex
	.align	2
	.globl	hash
	.type	hash, @function
hash:
	addi	sp,sp,-48
	sd	s0,40(sp)
	addi	s0,sp,48
	sd	a0,-40(s0)
	li	a5,4096
	addi	a5,a5,1285
	sd	a5,-24(s0)
	j	.L7
.L8:
	ld	a4,-24(s0)
	mv	a5,a4
	slli	a5,a5,5
	add	a4,a5,a4
	ld	a5,-40(s0)
	addi	a3,a5,1
	sd	a3,-40(s0)
	lbu	a5,0(a5)
	xor	a5,a4,a5
	sd	a5,-24(s0)
.L7:
	ld	a5,-40(s0)
	lbu	a5,0(a5)
	bne	a5,zero,.L8
	ld	a5,-24(s0)
	mv	a0,a5
	ld	s0,40(sp)
	addi	sp,sp,48
	jr	ra
	.size	hash, .-hash
	.globl	pool
	.bss
	.align	3
	.type	pool, @object
	.size	pool, 800
pool:
	.zero	800
	.globl	fake
	.section	.sbss,"aw",@nobits
	.align	3
	.type	fake, @object
	.size	fake, 8
fake:
	.zero	8
	.text
	.align	2
	.globl	memset
	.type	memset, @function
memset:
	addi	sp,sp,-64
	sd	s0,56(sp)
	addi	s0,sp,64
	sd	a0,-40(s0)
	mv	a5,a1
	sd	a2,-56(s0)
	sw	a5,-44(s0)
	ld	a5,-40(s0)
	sd	a5,-24(s0)
	j	.L11
.L12:
	ld	a5,-24(s0)
	addi	a4,a5,1
	sd	a4,-24(s0)
	lw	a4,-44(s0)
	andi	a4,a4,0xff
	sb	a4,0(a5)
.L11:
	ld	a5,-56(s0)
	addi	a4,a5,-1
	sd	a4,-56(s0)
	bne	a5,zero,.L12
	ld	a5,-40(s0)
	mv	a0,a5
	ld	s0,56(sp)
	addi	sp,sp,64
	jr	ra
	.size	memset, .-memset
	.align	2
	.globl	fib
	.type	fib, @function
fib:
	addi	sp,sp,-48
	sd	ra,40(sp)
	sd	s0,32(sp)
	sd	s1,24(sp)
	addi	s0,sp,48
	mv	a5,a0
	sw	a5,-36(s0)
	lw	a5,-36(s0)
	sext.w	a4,a5
	li	a5,1
	ble	a4,a5,.L15
	lw	a5,-36(s0)
	addiw	a5,a5,-1
	sext.w	a5,a5
	mv	a0,a5
	call	fib
	mv	a5,a0
	mv	s1,a5
	lw	a5,-36(s0)
	addiw	a5,a5,-2
	sext.w	a5,a5
	mv	a0,a5
	call	fib
	mv	a5,a0
	addw	a5,s1,a5
	sext.w	a5,a5
	j	.L16
.L15:
	lw	a5,-36(s0)
.L16:
	mv	a0,a5
	ld	ra,40(sp)
	ld	s0,32(sp)
	ld	s1,24(sp)
	addi	sp,sp,48
	jr	ra
	.size	fib, .-fib
	.section	.rodata
	.align	3
.LC0:
	.string	"hello, world"
	.text
	.align	2
	.globl	_start
	.type	_start, @function
_start:
	addi	sp,sp,-864
	sd	ra,856(sp)
	sd	s0,848(sp)
	addi	s0,sp,864
	sd	zero,-24(s0)
	li	a5,2
	sw	a5,-28(s0)
	j	.L19
.L23:
	lui	a5,%hi(sieve)
	addi	a4,a5,%lo(sieve)
	lw	a5,-28(s0)
	slli	a5,a5,2
	add	a5,a4,a5
	lw	a5,0(a5)
	bne	a5,zero,.L20
	lw	a5,-28(s0)
	ld	a4,-24(s0)
	add	a5,a4,a5
	sd	a5,-24(s0)
	lw	a5,-28(s0)
	slliw	a5,a5,1
	sw	a5,-32(s0)
	j	.L21
.L22:
	lui	a5,%hi(sieve)
	addi	a4,a5,%lo(sieve)
	lw	a5,-32(s0)
	slli	a5,a5,2
	add	a5,a4,a5
	li	a4,1
	sw	a4,0(a5)
	lw	a5,-32(s0)
	mv	a4,a5
	lw	a5,-28(s0)
	addw	a5,a4,a5
	sw	a5,-32(s0)
.L21:
	lw	a5,-32(s0)
	sext.w	a4,a5
	li	a5,20480
	addi	a5,a5,-481
	ble	a4,a5,.L22
.L20:
	lw	a5,-28(s0)
	addiw	a5,a5,1
	sw	a5,-28(s0)
.L19:
	lw	a5,-28(s0)
	sext.w	a4,a5
	li	a5,20480
	addi	a5,a5,-481
	ble	a4,a5,.L23
	ld	a0,-24(s0)
	call	puthex
	lui	a5,%hi(.LC0)
	addi	a0,a5,%lo(.LC0)
	call	hash
	mv	a5,a0
	mv	a0,a5
	call	puthex
	sd	zero,-40(s0)
	sw	zero,-44(s0)
	j	.L24
.L25:
	lw	a5,-44(s0)
	mulw	a5,a5,a5
	sext.w	a4,a5
	lui	a5,%hi(pool)
	addi	a3,a5,%lo(pool)
	lw	a5,-44(s0)
	slli	a5,a5,4
	add	a5,a3,a5
	sw	a4,8(a5)
	lui	a5,%hi(pool)
	addi	a4,a5,%lo(pool)
	lw	a5,-44(s0)
	slli	a5,a5,4
	add	a5,a4,a5
	ld	a4,-40(s0)
	sd	a4,0(a5)
	lw	a5,-44(s0)
	slli	a4,a5,4
	lui	a5,%hi(pool)
	addi	a5,a5,%lo(pool)
	add	a5,a4,a5
	sd	a5,-40(s0)
	lw	a5,-44(s0)
	addiw	a5,a5,1
	sw	a5,-44(s0)
.L24:
	lw	a5,-44(s0)
	sext.w	a4,a5
	li	a5,49
	ble	a4,a5,.L25
	sd	zero,-56(s0)
	j	.L26
.L27:
	ld	a4,-56(s0)
	mv	a5,a4
	slli	a5,a5,5
	sub	a5,a5,a4
	ld	a4,-40(s0)
	lw	a4,8(a4)
	add	a5,a5,a4
	sd	a5,-56(s0)
	ld	a5,-40(s0)
	ld	a5,0(a5)
	sd	a5,-40(s0)
.L26:
	ld	a5,-40(s0)
	bne	a5,zero,.L27
	ld	a0,-56(s0)
	call	puthex
	li	a0,15
	call	fib
	mv	a5,a0
	mv	a0,a5
	call	puthex
	lui	a5,%hi(counter)
	ld	a5,%lo(counter)(a5)
	addi	a4,a5,7
	lui	a5,%hi(counter)
	sd	a4,%lo(counter)(a5)
	lui	a5,%hi(counter)
	ld	a4,%lo(counter)(a5)
	li	a5,3
	div	a5,a4,a5
	mv	a0,a5
	call	puthex
	lui	a5,%hi(counter)
	ld	a5,%lo(counter)(a5)
	neg	a5,a5
	mv	a4,a5
	li	a5,1000
	remu	a5,a4,a5
	mv	a0,a5
	call	puthex
	addi	a5,s0,-856
	li	a2,800
	li	a1,3
	mv	a0,a5
	call	memset
	lw	a5,-548(s0)
	mv	a0,a5
	call	puthex
	lui	a5,%hi(counter)
	ld	a5,%lo(counter)(a5)
	li	a4,12
	beq	a5,a4,.L28
	li	a4,13
	beq	a5,a4,.L29
	j	.L32
.L28:
	li	a0,1
	call	puthex
	j	.L31
.L29:
	li	a0,2
	call	puthex
	j	.L31
.L32:
	li	a0,3
	call	puthex
.L31:
	li	a3,0
	li	a2,0
	li	a1,0
	li	a0,93
	call	sys
	.size	_start, .-_start
	.ident	"GCC: (Debian 12.2.0-13) 12.2.0"
	.section	.note.GNU-stack,"",@progbits

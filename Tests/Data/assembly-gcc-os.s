	.file	"a4.c"
	.option nopic
	.attribute arch, "rv64i2p1_m2p0_a2p1"
	.attribute unaligned_access, 0
	.attribute stack_align, 16
	.text
	.section	.text.sz,"ax",@progbits
	.align	2
	.globl	sz
	.type	sz, @function
sz:
	lui	a0,%hi(_end)
	lui	a5,%hi(_edata)
	addi	a5,a5,%lo(_edata)
	addi	a0,a0,%lo(_end)
	sub	a0,a0,a5
	ret
	.size	sz, .-sz
	.section	.text.e,"ax",@progbits
	.align	2
	.globl	e
	.type	e, @function
e:
	lui	a0,%hi(_end)
	addi	a0,a0,%lo(_end)
	ret
	.size	e, .-e
	.section	.text.ll,"ax",@progbits
	.align	2
	.globl	ll
	.type	ll, @function
ll:
	sll	a5,a0,a1
	negw	a1,a1
	srl	a0,a0,a1
	or	a0,a0,a5
	ret
	.size	ll, .-ll
	.section	.text.uc,"ax",@progbits
	.align	2
	.globl	uc
	.type	uc, @function
uc:
	li	a5,3
	mulw	a0,a0,a5
	andi	a0,a0,0xff
	ret
	.size	uc, .-uc
	.section	.text.sh,"ax",@progbits
	.align	2
	.globl	sh
	.type	sh, @function
sh:
	li	a5,3
	divw	a0,a0,a5
	slliw	a0,a0,16
	sraiw	a0,a0,16
	ret
	.size	sh, .-sh
	.section	.text.neg,"ax",@progbits
	.align	2
	.globl	neg
	.type	neg, @function
neg:
	negw	a0,a0
	ret
	.size	neg, .-neg
	.section	.text.ab,"ax",@progbits
	.align	2
	.globl	ab
	.type	ab, @function
ab:
	sraiw	a5,a0,31
	xor	a0,a0,a5
	subw	a0,a0,a5
	ret
	.size	ab, .-ab
	.section	.text.b,"ax",@progbits
	.align	2
	.globl	b
	.type	b, @function
b:
	snez	a0,a0
	ret
	.size	b, .-b
	.section	.text.b2,"ax",@progbits
	.align	2
	.globl	b2
	.type	b2, @function
b2:
	seqz	a0,a0
	ret
	.size	b2, .-b2
	.section	.text.b3,"ax",@progbits
	.align	2
	.globl	b3
	.type	b3, @function
b3:
	sgt	a0,a0,zero
	ret
	.size	b3, .-b3
	.section	.text.b4,"ax",@progbits
	.align	2
	.globl	b4
	.type	b4, @function
b4:
	srliw	a0,a0,31
	ret
	.size	b4, .-b4
	.section	.text.zx,"ax",@progbits
	.align	2
	.globl	zx
	.type	zx, @function
zx:
	slli	a0,a0,32
	srli	a0,a0,32
	ret
	.size	zx, .-zx
	.section	.text.sx,"ax",@progbits
	.align	2
	.globl	sx
	.type	sx, @function
sx:
	ret
	.size	sx, .-sx
	.section	.text.gb,"ax",@progbits
	.align	2
	.globl	gb
	.type	gb, @function
gb:
	lui	a3,%hi(bf)
	ld	a5,%lo(bf)(a3)
	li	a4,1600000000
	slli	a4,a4,10
	srli	a5,a5,54
	addi	a4,a4,-221
	slli	a5,a5,54
	or	a5,a5,a4
	sd	a5,%lo(bf)(a3)
	li	a0,-7
	ret
	.size	gb, .-gb
	.section	.text.va,"ax",@progbits
	.align	2
	.globl	va
	.type	va, @function
va:
	addi	sp,sp,-80
	sd	a5,56(sp)
	addi	a5,sp,24
	mv	t1,a0
	sd	a4,48(sp)
	sd	a1,24(sp)
	sd	a2,32(sp)
	sd	a3,40(sp)
	sd	a6,64(sp)
	sd	a7,72(sp)
	sd	a5,8(sp)
	li	a0,0
	li	a4,-1
.L16:
	addiw	t1,t1,-1
	bne	t1,a4,.L17
	addi	sp,sp,80
	jr	ra
.L17:
	lw	a3,0(a5)
	addi	a5,a5,8
	addw	a0,a3,a0
	j	.L16
	.size	va, .-va
	.section	.text.callva,"ax",@progbits
	.align	2
	.globl	callva
	.type	callva, @function
callva:
	li	a5,5
	li	a4,4
	li	a3,3
	li	a2,2
	li	a1,1
	li	a0,5
	tail	va
	.size	callva, .-callva
	.section	.text.tailc,"ax",@progbits
	.align	2
	.globl	tailc
	.type	tailc, @function
tailc:
	addiw	a5,a0,1
	sraiw	a0,a5,31
	xor	a5,a0,a5
	subw	a0,a5,a0
	ret
	.size	tailc, .-tailc
	.section	.text.lab,"ax",@progbits
	.align	2
	.globl	lab
	.type	lab, @function
lab:
	lui	a5,%hi(t.0)
	slli	a0,a0,3
	addi	a4,a5,%lo(t.0)
	add	a4,a4,a0
	ld	a4,0(a4)
	addi	a0,a5,%lo(t.0)
	jr	a4
.L22:
	ret
.L24:
	lui	a0,%hi(t.0+8)
	addi	a0,a0,%lo(t.0+8)
	ret
.L25:
	li	a0,0
	ret
	.size	lab, .-lab
	.section	.data.t.0,"aw"
	.align	3
	.type	t.0, @object
	.size	t.0, 24
t.0:
	.dword	.L22
	.dword	.L24
	.dword	.L25
	.globl	bf
	.section	.sbss.bf,"aw",@nobits
	.align	3
	.type	bf, @object
	.size	bf, 8
bf:
	.zero	8
	.globl	page
	.section	.bss.page,"aw",@nobits
	.align	12
	.type	page, @object
	.size	page, 4096
page:
	.zero	4096
	.globl	al
	.section	.bss.al,"aw",@nobits
	.align	6
	.type	al, @object
	.size	al, 64
al:
	.zero	64
	.globl	bssv
	.section	.bss.bssv,"aw",@nobits
	.align	3
	.type	bssv, @object
	.size	bssv, 4000
bssv:
	.zero	4000
	.globl	ro
	.section	.rodata.ro,"a"
	.align	3
	.type	ro, @object
	.size	ro, 16
ro:
	.word	1
	.word	2
	.word	3
	.word	4
	.globl	str
	.section	.sdata.str,"aw"
	.align	3
	.type	str, @object
	.size	str, 5
str:
	.string	"init"
	.globl	a_global
	.section	.sdata.a_global,"aw"
	.align	2
	.type	a_global, @object
	.size	a_global, 4
a_global:
	.word	3
	.ident	"GCC: (Debian 12.2.0-13) 12.2.0"
	.section	.note.GNU-stack,"",@progbits

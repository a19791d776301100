        li      t0, %lo(5)
        lb      a0, 'a'(x0)
        .word   "str"
        addi    sp, sp, 0x1000
        jalr    ra, ra, ra
        beq     a0, 5, _start
        sd      a0, 8[sp]
        ld      a0 8(sp)
        mul     a0, a0, 3
        li      a0, 12abc
        li      a0, 08
        li      a0, 0x
        li      a0, 0xfffffffffffffffff
        call    5f + )
        .ascii  hello
        .ascii  "\q"
        fence   r
        csrw    a0, cycle
        j       far_away
        .space  0x200000
far_away: nop
        bne     a0, a1, _start
        %foo
        @bar
        "quoted": nop
        .include hello
        .end_here

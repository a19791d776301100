# ptrchase: following pointers through memory in random order, a page each time.
#
# Shows:  the cost of a page walk. 4096 pages are more than both TLB levels hold,
#         and no address can be guessed from the one before.
# Watch:  page walks, and walk cycles as a share of all cycles.
# Try:    --preset zen4, or --set pde=none to do without that structure cache.
# Prints: 200000 steps, last page 633
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 4096
        .equ    STEPS, 200000

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0                  # the nodes: one at the start of each page
        la      s1, order
        li      s2, PAGES

        li      t0, 0                   # order[i] = i
        mv      t1, s1
1:      sd      t0, 0(t1)
        addi    t0, t0, 1
        addi    t1, t1, 8
        bltu    t0, s2, 1b

# Sattolo's shuffle: a random order that is one single cycle.
        li      s3, 88172645463325252
        addi    t0, s2, -1              # i = PAGES-1 ... 1
2:      RANDOM  s3, t1
        remu    t1, s3, t0              # j below i
        slli    t2, t0, 3
        add     t2, s1, t2
        slli    t3, t1, 3
        add     t3, s1, t3
        ld      t4, 0(t2)               # exchange order[i] and order[j]
        ld      t5, 0(t3)
        sd      t5, 0(t2)
        sd      t4, 0(t3)
        addi    t0, t0, -1
        bnez    t0, 2b

        li      t0, 0                   # node i points to node order[i]
        mv      t1, s1
        mv      t2, s0
        li      t6, PAGE
3:      ld      t3, 0(t1)
        slli    t3, t3, 12
        add     t3, s0, t3
        sd      t3, 0(t2)
        addi    t1, t1, 8
        add     t2, t2, t6
        addi    t0, t0, 1
        bltu    t0, s2, 3b

        li      t0, STEPS               # the chase
        mv      t1, s0
chase:  ld      t1, 0(t1)
        addi    t0, t0, -1
        bnez    t0, chase

        sub     s4, t1, s0
        srli    s4, s4, 12              # the page we ended on
        li      a0, STEPS
        call    print_number
        PRINT   " steps, last page "
        mv      a0, s4
        call    print_number
        PRINT   "\n"
        li      t0, 633
        bne     s4, t0, failed
        EXIT    0

        .bss
        .balign PAGE
order:  .skip   PAGES*8

# quicksort: sorts 20,000 random numbers in place, then checks the order.
#
# Shows:  divide and conquer is kind to a TLB: once a part fits into it, no more
#         misses until that part is sorted.
# Watch:  dTLB misses: few, though the 40 pages are passed over some 15 times.
# Prints: 20000 numbers in order
# Ends:   exit 0

        .include "lib.inc"
        .equ    N, 20000

        .globl  _start
_start:
        la      s0, keys
        li      t0, N                   # random keys
        mv      t1, s0
        li      t2, 0x853C49E6748FEA9B
1:      RANDOM  t2, t3
        sd      t2, 0(t1)
        addi    t1, t1, 8
        addi    t0, t0, -1
        bnez    t0, 1b

        mv      a0, s0                  # first
        addi    a1, t1, -8              # last
        call    sort

        li      t0, N-1                 # each key is at least the one before
        mv      t1, s0
2:      ld      t2, 0(t1)
        ld      t3, 8(t1)
        bltu    t3, t2, failed
        addi    t1, t1, 8
        addi    t0, t0, -1
        bnez    t0, 2b

        li      a0, N
        call    print_number
        PRINT   " numbers in order\n"
        EXIT    0

# sort(a0 = first, a1 = last): sorts the keys from a0 to a1, both included.
sort:
        bgeu    a0, a1, sorted          # one key or none
        addi    sp, sp, -32
        sd      ra, 24(sp)
        sd      s1, 16(sp)
        sd      s2, 8(sp)

        sub     t0, a1, a0              # pivot: the key in the middle
        srli    t0, t0, 4
        slli    t0, t0, 3
        add     t0, a0, t0
        ld      t0, 0(t0)
        mv      t1, a0                  # goes up
        mv      t2, a1                  # goes down
up:     ld      t3, 0(t1)
        bgeu    t3, t0, down
        addi    t1, t1, 8
        j       up
down:   ld      t4, 0(t2)
        bgeu    t0, t4, both
        addi    t2, t2, -8
        j       down
both:   bltu    t2, t1, parted
        sd      t4, 0(t1)               # exchange
        sd      t3, 0(t2)
        addi    t1, t1, 8
        addi    t2, t2, -8
        bgeu    t2, t1, up

parted: mv      s1, t1
        mv      s2, a1
        mv      a1, t2
        call    sort                    # the small keys
        mv      a0, s1
        mv      a1, s2
        call    sort                    # the large ones
        ld      s2, 8(sp)
        ld      s1, 16(sp)
        ld      ra, 24(sp)
        addi    sp, sp, 32
sorted: ret

        .bss
        .balign PAGE
keys:   .skip   N*8

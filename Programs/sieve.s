# sieve: the primes below one million, by the sieve of Eratosthenes.
#
# Shows:  one byte per number makes 245 pages, four times as many as the first-
#         level data TLB holds; the second level holds them all.
# Watch:  dTLB misses (many) against page walks (few): nearly every miss is
#         answered by the second-level TLB for 9 cycles.
# Try:    --set dtlb.4k.entries=256 and see the misses go.
# Prints: primes below 1000000: 78498
# Ends:   exit 0

        .include "lib.inc"
        .ifndef N
        .equ    N, 1000000
        .endif

        .globl  _start
_start:
        la      s0, composite           # one byte per number, zero at the start
        li      s1, N
        add     s2, s0, s1              # end of the array
        li      s3, 2                   # the candidate
        li      t5, 1

next:   mul     t0, s3, s3              # multiples below its square are marked
        bgeu    t0, s1, count
        add     t1, s0, s3
        lbu     t2, 0(t1)
        bnez    t2, skip                # composite itself
        add     t1, s0, t0
mark:   sb      t5, 0(t1)               # stride: the prime
        add     t1, t1, s3
        bltu    t1, s2, mark
skip:   addi    s3, s3, 1
        j       next

count:  li      s4, 0
        addi    t1, s0, 2
1:      lbu     t2, 0(t1)
        xori    t2, t2, 1               # 1 for a prime
        add     s4, s4, t2
        addi    t1, t1, 1
        bltu    t1, s2, 1b

        PRINT   "primes below "
        mv      a0, s1
        call    print_number
        PRINT   ": "
        mv      a0, s4
        call    print_number
        PRINT   "\n"
        li      t0, N
        li      t1, 1000000
        bne     t0, t1, 1f              # another N: nothing to compare with
        li      t0, 78498
        bne     s4, t0, failed
1:      EXIT    0

        .bss
        .balign PAGE
composite:
        .skip   N

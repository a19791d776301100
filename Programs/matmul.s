# matmul: a matrix product whose inner loop walks along rows.
#
# Shows:  the order of loops decides what the TLB sees. Each matrix has 96 rows,
#         and each row has a page of its own. Here the order is i-k-j: the
#         inner loop stays within one row of B and one row of C.
# Watch:  dTLB misses, beside those of matmul_columns.s: the same product with
#         the loops in the order i-j-k, where the inner loop goes down a column of
#         B and so touches a new page each time.
# Try:    mmuemu --report json --report-file rows.json Programs/matmul.s
#         mmuemu --report json --report-file columns.json Programs/matmul_columns.s
#         mmuemu compare rows.json columns.json
# Prints: checksum 2971605
# Ends:   exit 0

        .include "lib.inc"
        .equ    N, 96                   # rows and columns
        .equ    ROW, PAGE               # bytes from one row to the next

        .globl  _start
_start:
        la      s0, a_matrix
        la      s1, b_matrix
        la      s2, c_matrix
        li      s3, N
        li      s11, ROW

        li      t0, 0                   # A[i][j] = i + j, B[i][j] = (i xor j) & 7
fill_i: mul     t2, t0, s11
        add     t3, s0, t2
        add     t4, s1, t2
        li      t1, 0
fill_j: add     t5, t0, t1
        sd      t5, 0(t3)
        xor     t5, t0, t1
        andi    t5, t5, 7
        sd      t5, 0(t4)
        addi    t3, t3, 8
        addi    t4, t4, 8
        addi    t1, t1, 1
        bltu    t1, s3, fill_j
        addi    t0, t0, 1
        bltu    t0, s3, fill_i

        li      s4, 0                   # i
for_i:  mul     t0, s4, s11
        add     s5, s0, t0              # row i of A
        add     s6, s2, t0              # row i of C

        .ifdef  BY_COLUMNS
        li      s7, 0                   # j
for_j:  slli    t0, s7, 3
        add     t1, s1, t0              # B[0][j]
        mv      t2, s5                  # A[i][0]
        li      t3, 0                   # the sum
        li      t4, N
down:   ld      t5, 0(t2)
        ld      t6, 0(t1)
        mul     t5, t5, t6
        add     t3, t3, t5
        addi    t2, t2, 8               # next in the row of A
        add     t1, t1, s11             # next in the column of B: a page on
        addi    t4, t4, -1
        bnez    t4, down
        add     t0, s6, t0
        sd      t3, 0(t0)
        addi    s7, s7, 1
        bltu    s7, s3, for_j
        .else
        li      s7, 0                   # k
for_k:  slli    t0, s7, 3
        add     t0, s5, t0
        ld      t3, 0(t0)               # A[i][k]
        mul     t0, s7, s11
        add     t1, s1, t0              # row k of B
        mv      t2, s6                  # row i of C
        li      t4, N
along:  ld      t5, 0(t1)
        ld      t6, 0(t2)
        mul     t5, t5, t3
        add     t6, t6, t5
        sd      t6, 0(t2)
        addi    t1, t1, 8
        addi    t2, t2, 8
        addi    t4, t4, -1
        bnez    t4, along
        addi    s7, s7, 1
        bltu    s7, s3, for_k
        .endif
        addi    s4, s4, 1
        bltu    s4, s3, for_i

        li      s8, 0                   # checksum: C[i][j] x (j + 1), modulo 2^22 - 3
        li      t0, 0
sum_i:  mul     t1, t0, s11
        add     t1, s2, t1
        li      t2, 1
sum_j:  ld      t3, 0(t1)
        mul     t3, t3, t2
        add     s8, s8, t3
        addi    t1, t1, 8
        addi    t2, t2, 1
        bgeu    s3, t2, sum_j
        addi    t0, t0, 1
        bltu    t0, s3, sum_i
        li      t0, (1 << 22) - 3
        remu    s8, s8, t0

        PRINT   "checksum "
        mv      a0, s8
        call    print_number
        PRINT   "\n"
        li      t0, 2971605
        bne     s8, t0, failed
        EXIT    0

        .bss
        .balign PAGE
a_matrix: .skip N*ROW
b_matrix: .skip N*ROW
c_matrix: .skip N*ROW

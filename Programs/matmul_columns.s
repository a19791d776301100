# matmul_columns: the product of matmul.s with its inner loop down a column.
#
# Shows:  loop order against the TLB. Going down a column of B touches 96 pages
#         in turn; the first-level data TLB has 64 entries in sets of 4, and with
#         LRU every page is thrown out just before it is needed again.
# Watch:  dTLB misses: one for nearly every second load; few of them walk.
# Prints: checksum 2971605
# Ends:   exit 0

        .equ    BY_COLUMNS, 1
        .include "matmul.s"

# zswap_friendly: pages that can be squeezed, sent out and fetched back.
#
# Shows:  with zswap, a page on its way out is compressed and stays in memory, in a
#         fraction of its size. Small numbers, as here, go into a few hundred bytes.
# Watch:  with --zswap, pages stored compressed in place of pages written to the swap
#         area, and no wait for it. Compare with zswap_hostile.s.
# Run:    mmuemu --swap 16M --zswap 20% Programs/zswap_friendly.s
# Prints: 128 pages: 0 stored compressed, 0 written out; all of it came back
# Ends:   exit 0

        .include "zswap.inc"

# contents: the next word of the data, in a0; t0 counts.
        .macro  CONTENTS
        addi    t0, t0, 1
        andi    a0, t0, 0x3ff
        .endm

        ZSWAP

# zswap_hostile: pages of random numbers, sent out and fetched back.
#
# Shows:  what is random does not get smaller, as does not what is encrypted or already
#         compressed. Such pages go to the swap area as if there were no zswap.
# Watch:  with --zswap, the pages written out, the waits for them, and the time spent
#         compressing in vain.
# Run:    mmuemu --swap 16M --zswap 20% Programs/zswap_hostile.s
# Prints: 128 pages: 0 stored compressed, 0 written out; all of it came back
# Ends:   exit 0

        .include "zswap.inc"

# contents: the next word of the data, in a0; t0 is the random sequence.
        .macro  CONTENTS
        RANDOM  t0, t4
        mv      a0, t0
        .endm

        ZSWAP

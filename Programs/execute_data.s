# execute_data: jumps into its data.
#
# Shows:  the pages of data are mapped with XD, "execute disable" (also called
#         NX): what somebody smuggles into a buffer cannot run.
# Watch:  the story of the signal: a fetch, the page present, XD set. The word
#         there is a perfectly good instruction; it was read and written just
#         before.
# Prints: jumping into data
# Ends:   killed by SIGSEGV (139), on purpose

        .include "lib.inc"
        .globl  _start
_start:
        PRINT   "jumping into data\n"
        la      t0, code
        lw      t1, 0(t0)               # reading is allowed
        sw      t1, 0(t0)               # writing too
        jalr    t0                      # executing is not
        EXIT    0                       # never reached

        .data
        .balign 4
code:   ret

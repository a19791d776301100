# write_text: tries to change its own code.
#
# Shows:  the pages of code are mapped without W: R/W = 0 in their entries.
# Watch:  the story of the signal: a write, the page present, rights forbid it
#         (error code: present, write, user).
# Prints: writing to code
# Ends:   killed by SIGSEGV (139), on purpose

        .include "lib.inc"
        .globl  _start
_start:
        PRINT   "writing to code\n"
        la      t0, target
        li      t1, 0x13                # the instruction nop
target: sw      t1, 0(t0)
        EXIT    0                       # never reached

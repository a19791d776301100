# stack_overflow: a recursion that never ends.
#
# Shows:  the stack grows by page faults, one page at a time, until it meets its
#         limit of 8 MiB; the next push has nowhere to go.
# Watch:  the story of the signal, which names the overflow, and about 2048
#         minor faults before it.
# Prints: down we go
# Ends:   killed by SIGSEGV (139), on purpose

        .include "lib.inc"
        .globl  _start
_start:
        PRINT   "down we go\n"
        call    deeper
        EXIT    0                       # never reached

deeper:
        addi    sp, sp, -256
        sd      ra, 0(sp)
        call    deeper
        ld      ra, 0(sp)
        addi    sp, sp, 256
        ret

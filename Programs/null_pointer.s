# null_pointer: reads a field of a record through a null pointer.
#
# Shows:  nothing is mapped at address 0, so that this mistake cannot pass
#         unseen; the fault comes with the address of the field, 8.
# Watch:  the story of the signal: the address, the place, that no area is there.
# Prints: looking behind the null pointer
# Ends:   killed by SIGSEGV (139), on purpose

        .include "lib.inc"
        .globl  _start
_start:
        PRINT   "looking behind the null pointer\n"
        la      t0, pointer
        ld      a0, 0(t0)               # the pointer: zero
        ld      a1, 8(a0)               # its field
        EXIT    0                       # never reached

        .data
        .balign 8
pointer: .dword 0

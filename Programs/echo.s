# echo: prints its arguments, one to a line.
#
# Shows:  where a program finds its arguments: at the top of the stack, the
#         number of them at sp, then a pointer to each.
# Try:    mmuemu Programs/echo.s one two three
# Prints: its arguments
# Ends:   exit 0

        .include "lib.inc"
        .globl  _start
_start:
        addi    s0, sp, 16              # sp: count, sp + 8: our own name
next:   ld      a0, 0(s0)
        beqz    a0, done                # a null pointer ends the list
        call    print
        PRINT   "\n"
        addi    s0, s0, 8
        j       next
done:   EXIT    0

# swap_fork: a child inherits pages that are swapped out, as they are.
#
# Shows:  fork copies the entries that say where in the swap area a page is. Whoever
#         touches one gets a page of its own; for the other it stays where it is.
# Watch:  VmSwap of both; the faults that bring pages back, and that fork is quick.
# Run:    mmuemu --swap 16M Programs/swap_fork.s
# Prints: KiB swapped: parent 0, child 0, child after touching half 0, parent then 0
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .include "swap.inc"
        .equ    PAGES, 32

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      a1, PAGES
        call    touch
        mv      a0, s0
        li      a1, PAGES*PAGE
        li      a2, MADV_PAGEOUT
        SYSCALL madvise
        bnez    a0, failed
        PRINT   "KiB swapped: parent "
        call    swapped
        FORK
        beqz    a0, child
        REAP    t0
        bnez    t0, failed
        PRINT   ", parent then "
        call    swapped
        PRINT   "\n"
        mv      a0, s0
        li      a1, PAGES
        li      a2, 1
        call    verify
        EXIT    0

child:  PRINT   ", child "
        call    swapped
        mv      a0, s0
        li      a1, PAGES/2
        call    touch
        PRINT   ", child after touching half "
        call    swapped
        mv      a0, s0
        li      a1, PAGES/2
        li      a2, 2
        call    verify
        EXIT    0

# swapped: prints how much of this process is in the swap area.
swapped:
        mv      s1, ra
        COUNT   self/status, "VmSwap:"
        call    print_number
        jr      s1

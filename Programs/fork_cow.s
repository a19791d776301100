# fork_cow: a child and its parent share pages until one of them writes.
#
# Shows:  fork copies the tables, not the pages. Each first write to a shared
#         page copies it; the last one to hold a page may keep it.
# Watch:  copy on write faults: 8 in the child, 8 in the parent; the parent's
#         are made after the child has gone, so they reuse their frames.
# Prints: child sees 36, parent still 36, both wrote
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 8

        .globl  _start
_start:
        MAP     PAGES*PAGE
        blez    a0, bad
        mv      s0, a0
        li      s5, PAGE
        li      t0, 1                   # page p holds p + 1
        mv      t1, s0
1:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, 1
        li      t2, PAGES
        ble     t0, t2, 1b

        FORK
        beqz    a0, child
        REAP    t0
        bnez    t0, bad                 # exit 0
        call    total
        mv      s1, a0
        PRINT   ", parent still "
        mv      a0, s1
        call    print_number
        PRINT   ", both wrote\n"
        call    clear
        EXIT    0

child:  call    total
        mv      s1, a0
        PRINT   "child sees "
        mv      a0, s1
        call    print_number
        call    clear
        call    total
        bnez    a0, bad                 # its own pages are zero now
        EXIT    0

# total: the sum of the first words of all pages.
total:  li      a0, 0
        li      t0, PAGES
        mv      t1, s0
1:      ld      t2, 0(t1)
        add     a0, a0, t2
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 1b
        ret

# clear: writes zero to each page.
clear:  li      t0, PAGES
        mv      t1, s0
1:      sd      zero, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 1b
        ret
bad:    j       failed

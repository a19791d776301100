# shared_anon: a parent and its child write to the same memory.
#
# Shows:  pages of MAP_SHARED|MAP_ANONYMOUS stay one after a fork: what either
#         stores, both see, and nothing is copied. A private page beside them
#         goes separate ways.
# Watch:  copy on write faults: three, for the stack of both and the private page,
#         none for the 8 shared ones.
# Prints: child sees 36, parent sees 44 after the child's stores; its own page still holds 5
# Ends:   exit 0

        .include "lib.inc"
        .equ    PAGES, 8

        .globl  _start
_start:
        MAP     PAGES*PAGE, sharing=MAP_SHARED
        blez    a0, failed
        mv      s0, a0
        MAP     PAGE
        blez    a0, failed
        mv      s4, a0
        li      t0, 5
        sd      t0, 0(s4)
        li      s5, PAGE
        mv      t1, s0
        li      t0, PAGES               # the pages hold 8, 7, ..., 1
1:      sd      t0, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 1b

        FORK
        beqz    a0, child
        REAP    t0
        bnez    t0, failed
        FAULTS  s6
        FAULTS  s6
        call    add_one                 # reads and writes again, what the child wrote
        mv      s2, a0
        FAULTS  s7
        bne     s6, s7, failed          # no fault: the entries never lost R/W
        PRINT   ", parent sees "
        NUMBER  s2
        PRINT   " after the child's stores; its own page still holds "
        ld      s3, 0(s4)
        NUMBER  s3
        PRINT   "\n"
        li      t0, 44
        bne     s2, t0, failed
        li      t0, 5
        bne     s3, t0, failed
        EXIT    0

child:  sd      zero, 0(s4)             # in its own copy
        call    add_one
        mv      s2, a0
        PRINT   "child sees "
        NUMBER  s2
        li      t0, 36
        bne     s2, t0, failed
        EXIT    0

# add_one: adds up the first words of the shared pages, and then one to each.
add_one:
        li      a0, 0
        li      t0, PAGES
        mv      t1, s0
1:      ld      t2, 0(t1)
        add     a0, a0, t2
        addi    t2, t2, 1
        sd      t2, 0(t1)
        add     t1, t1, s5
        addi    t0, t0, -1
        bnez    t0, 1b
        ret

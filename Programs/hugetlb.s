# hugetlb: two huge pages from the pool, shared with a child.
#
# Shows:  MAP_HUGETLB. Pages of 2 MiB come from a pool that is set aside when the
#         machine starts; mmap promises them or fails, so that a store never does.
#         Two faults make 4 MiB present; a child sees the same two pages.
# Watch:  run it with --huge-pages 2: the line of 2 MiB pages in the report, and
#         minor faults. Without a pool mmap says ENOMEM.
# Prints: nothing is set aside: run with --huge-pages 2
#         or, with a pool of two pages: 2 faults for 4 MiB, a third page is refused, the child stored 42
# Ends:   exit 0

        .include "lib.inc"
        .equ    HUGE, 2 << 20
        .equ    MAP_HUGETLB, 0x40000
        .equ    ENOMEM, 12

# map \pages huge pages, shared; a0 is their address, or minus an error number.
        .macro  MAP_HUGE pages
        li      a0, 0
        li      a1, \pages * HUGE
        li      a2, PROT_READ|PROT_WRITE
        li      a3, MAP_SHARED|MAP_ANONYMOUS|MAP_HUGETLB
        li      a4, -1
        li      a5, 0
        SYSCALL mmap
        .endm

        .globl  _start
_start:
        MAP_HUGE 2
        li      t0, -ENOMEM
        beq     a0, t0, nothing
        blez    a0, failed
        mv      s0, a0
        li      s1, HUGE - 1
        and     t0, s0, s1              # it begins where a huge page can
        bnez    t0, failed

        FAULTS  s2
        li      t0, 2 * HUGE / PAGE     # a store to every 4 KiB of it
        li      t2, PAGE
        mv      t1, s0
1:      sd      t0, 0(t1)
        add     t1, t1, t2
        addi    t0, t0, -1
        bnez    t0, 1b
        FAULTS  s3
        sub     s2, s3, s2
        NUMBER  s2
        PRINT   " faults for 4 MiB"

        MAP_HUGE 1                      # more than there are
        li      t0, -ENOMEM
        bne     a0, t0, failed
        PRINT   ", a third page is refused"

        FORK
        beqz    a0, child
        REAP    t0
        bnez    t0, failed
        PRINT   ", the child stored "
        add     t0, s0, s1              # into the last byte of the first page
        lbu     a0, 0(t0)
        call    print_number
        PRINT   "\n"
        EXIT    0

child:  add     t0, s0, s1
        li      t1, 42
        sb      t1, 0(t0)
        EXIT    0

nothing:
        PRINT   "nothing is set aside: run with --huge-pages 2\n"
        EXIT    0

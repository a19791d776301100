# dontneed: MADV_DONTNEED gives pages back and keeps their addresses.
#
# Shows:  the frames go at once, and resident memory with them. The area stays: the
#         next access finds zeros and pays for a fault again, as for a new page.
# Watch:  zero faults: 32 for the first stores and 32 for the second, beside a few.
# Prints: 32 pages given back: resident pages fall by 32, then 32 faults and zeros
# Ends:   exit 0

        .include "lib.inc"
        .include "proc.inc"
        .equ    PAGES, 32
        .equ    MADV_DONTNEED, 4

        .globl  _start
_start:
        li      s5, PAGE
        MAP     PAGES*PAGE
        blez    a0, failed
        mv      s0, a0
        li      s1, 0                   # what the pages must hold before
        call    add_one
        li      s1, 1
        call    add_one
        bnez    s2, failed              # they are there now
        call    resident                # brings its own pages in
        call    resident
        mv      s3, a0
        mv      a0, s0
        li      a1, PAGES*PAGE
        li      a2, MADV_DONTNEED
        SYSCALL madvise
        bnez    a0, failed
        call    resident
        sub     s3, s3, a0
        PRINT   "32 pages given back: resident pages fall by "
        NUMBER  s3
        li      t0, PAGES
        bne     s3, t0, failed
        li      s1, 0
        call    add_one
        PRINT   ", then "
        NUMBER  s2
        PRINT   " faults and zeros\n"
        li      t0, PAGES
        bne     s2, t0, failed
        EXIT    0

# add_one: to each page, by one store that also reads; faults in s2.
add_one:
        FAULTS  s6
        mv      t1, s0
        li      t2, PAGES
        li      t0, 1
1:      amoadd.d t3, t0, (t1)
        bne     t3, s1, failed
        add     t1, t1, s5
        addi    t2, t2, -1
        bnez    t2, 1b
        FAULTS  s7
        sub     s2, s7, s6
        ret

# belady: the string of page references that shows Belady's anomaly.
#
# Shows:  a store to each of the pages 1 2 3 4 1 2 5 1 2 3 4 5, in this order. With
#         first-in first-out, four frames have more faults than three.
# Watch:  where there is room each page faults once. Replaying the references with fewer
#         frames than pages shows the anomaly, although the stack and the data of the
#         program add some of their own.
# Run:    mmuemu --record-pages /tmp/belady.refs Programs/belady.s
#         mmuemu policy --frames 3,4 --policy fifo,lru,opt /tmp/belady.refs
# Prints: 12 references to 5 pages: 5 faults
# Ends:   exit 0

        .include "lib.inc"

        .globl  _start
_start:
        MAP     6*PAGE
        blez    a0, failed
        mv      s0, a0
        FAULTS  s6, s8                  # brings the stack in
        FAULTS  s6, s8
        li      t0, PAGE
        add     s1, s0, t0              # page 1 and so on
        add     s2, s1, t0
        add     s3, s2, t0
        add     s4, s3, t0
        add     s5, s4, t0
        .irp    page, s1, s2, s3, s4, s1, s2, s5, s1, s2, s3, s4, s5
        sb      zero, 0(\page)
        .endr
        FAULTS  s7, s9
        sub     s7, s7, s6
        sub     s9, s9, s8
        add     s7, s7, s9
        PRINT   "12 references to 5 pages: "
        NUMBER  s7
        PRINT   " faults\n"
        EXIT    0

# file_private: stores to a private mapping of a file stay in the program.
#
# Shows:  a MAP_PRIVATE page is the file's own frame until the first store, which
#         copies it. The file keeps what it had. A later write() to the file is
#         seen in pages not yet copied, and no more in those that are.
# Watch:  copy on write faults: the one store; file_shared.s has none.
# Prints: stored 9: mapping 9, file 1; wrote 5 to both pages: mapping 9 and 5
# Ends:   exit 0

        .include "lib.inc"

        .globl  _start
_start:
        NEW_FILE s0
        li      s1, 1                   # two pages that begin with 1
        li      s2, 0
        call    put
        li      s2, PAGE
        call    put
        MAP_FILE s0, 2*PAGE, MAP_PRIVATE
        mv      s3, a0
        li      t0, PAGE
        add     s4, s3, t0
        ld      t0, 0(s3)
        bne     t0, s1, failed
        ld      t0, 0(s4)
        bne     t0, s1, failed
        FAULTS  s6
        li      t0, 9
        sd      t0, 0(s3)
        FAULTS  s7
        sub     s7, s7, s6
        li      t0, 1                   # that one fault made the copy
        bne     s7, t0, failed
        li      a1, 0
        call    get
        mv      s5, a0
        PRINT   "stored 9: mapping "
        ld      s6, 0(s3)
        NUMBER  s6
        PRINT   ", file "
        NUMBER  s5
        bne     s5, s1, failed

        li      s1, 5
        li      s2, 0
        call    put
        li      s2, PAGE
        call    put
        PRINT   "; wrote 5 to both pages: mapping "
        ld      s6, 0(s3)
        NUMBER  s6
        PRINT   " and "
        ld      s7, 0(s4)
        NUMBER  s7
        PRINT   "\n"
        li      t0, 9
        bne     s6, t0, failed
        bne     s7, s1, failed
        EXIT    0

# put: writes the word s1 at offset s2 of the file; get: reads the one at a1.
put:    la      a1, word
        sd      s1, 0(a1)
        mv      a0, s0
        li      a2, 8
        mv      a3, s2
        SYSCALL pwrite64
        li      t0, 8
        bne     a0, t0, failed
        ret
get:    mv      a3, a1
        mv      a0, s0
        la      a1, word
        li      a2, 8
        SYSCALL pread64
        li      t0, 8
        bne     a0, t0, failed
        ld      a0, word
        ret

        .bss
        .balign 8
word:   .skip   8

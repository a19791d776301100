# file_shared: a shared mapping of a file, read() and write() are one memory.
#
# Shows:  the page cache holds a page of a file once. A store to the mapping is
#         what the next read() returns, a write() is what the next load finds,
#         and a second mapping shows the same. Nothing needs to be flushed for that.
# Watch:  copy on write faults: none, where file_private.s has one.
# Prints: stored 9: read() gets 9; wrote 5: two mappings hold 5; stored 6: the other holds 6
# Ends:   exit 0

        .include "lib.inc"

        .globl  _start
_start:
        NEW_FILE s0
        li      s1, 1
        call    put
        MAP_FILE s0, PAGE
        mv      s3, a0
        MAP_FILE s0, PAGE
        mv      s4, a0
        beq     s3, s4, failed
        li      t0, 9
        sd      t0, 0(s3)
        mv      a0, s0                  # read it from the file
        la      a1, word
        li      a2, 8
        li      a3, 0
        SYSCALL pread64
        PRINT   "stored 9: read() gets "
        ld      s5, word
        NUMBER  s5
        li      t0, 9
        bne     s5, t0, failed

        li      s1, 5
        call    put
        PRINT   "; wrote 5: two mappings hold "
        ld      s5, 0(s3)
        NUMBER  s5
        bne     s5, s1, failed
        ld      t0, 0(s4)
        bne     t0, s1, failed

        li      s1, 6
        sd      s1, 0(s3)
        PRINT   "; stored 6: the other holds "
        ld      s5, 0(s4)
        NUMBER  s5
        PRINT   "\n"
        bne     s5, s1, failed
        EXIT    0

# put: writes the word s1 to the beginning of the file.
put:    la      a1, word
        sd      s1, 0(a1)
        mv      a0, s0
        li      a2, 8
        li      a3, 0
        SYSCALL pwrite64
        li      t0, 8
        bne     a0, t0, failed
        ret

        .bss
        .balign 8
word:   .skip   8

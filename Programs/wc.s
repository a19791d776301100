# wc: counts the lines, words and bytes of a file that it maps.
#
# Shows:  a file as memory: no read, no buffer. The program walks over the mapping,
#         and each page that is not in the page cache is a major fault.
# Watch:  major faults, and that there are far fewer than pages: readahead.
# Try:    mmuemu --dir .=/host Programs/wc.s /host/README.md
#         Without an argument it counts a small file that it writes itself.
# Prints: 3 9 44 /tmp/poem
# Ends:   exit 0

        .include "lib.inc"
        .equ    SYS_openat, 56
        .equ    SYS_lseek,  62
        .equ    AT_FDCWD,   -100
        .equ    O_RDWR_CREAT_TRUNC, 0x242
        .equ    SEEK_END,   2

        .section .rodata
own:    .asciz  "/tmp/poem"
poem:   .ascii  "a page is absent\nuntil the core\nlooks there\n"
        .equ    length, . - poem

        .text
        .globl  _start
_start:
        ld      s0, 16(sp)              # the first argument, if there is one
        li      a2, 0                   # O_RDONLY
        bnez    s0, open
        la      s0, own
        li      a2, O_RDWR_CREAT_TRUNC
open:   li      a0, AT_FDCWD
        mv      a1, s0
        li      a3, 0644
        li      a7, SYS_openat
        ecall
        bltz    a0, absent
        mv      s1, a0
        ld      t0, 16(sp)
        bnez    t0, size
        la      a1, poem                # our own file: write it
        li      a2, length
        li      a7, SYS_write
        ecall
size:   mv      a0, s1                  # where the end is, the size is
        li      a1, 0
        li      a2, SEEK_END
        li      a7, SYS_lseek
        ecall
        bltz    a0, absent
        mv      s2, a0
        li      s4, 0                   # lines
        li      s5, 0                   # words
        beqz    s2, result              # nothing to map
        li      a0, 0
        mv      a1, s2
        li      a2, PROT_READ
        li      a3, MAP_PRIVATE
        mv      a4, s1
        li      a5, 0
        li      a7, SYS_mmap
        ecall
        bltz    a0, absent              # a directory, say
        add     t3, a0, s2              # the end
        li      t1, 1                   # the byte before was a blank
        li      t2, ' '
        li      t4, '\n'
byte:   lbu     t0, 0(a0)
        addi    a0, a0, 1
        bne     t0, t4, 1f
        addi    s4, s4, 1
1:      sltu    t5, t2, t0              # what lies above the blank belongs to a word
        xori    t6, t5, 1
        and     t5, t5, t1              # a word begins behind a blank
        add     s5, s5, t5
        mv      t1, t6
        bltu    a0, t3, byte

result: mv      a0, s4
        call    print_number
        PRINT   " "
        mv      a0, s5
        call    print_number
        PRINT   " "
        mv      a0, s2
        call    print_number
        PRINT   " "
        mv      a0, s0
        call    print
        PRINT   "\n"
        EXIT    0

absent: PRINT   "wc: cannot be counted: "
        mv      a0, s0
        call    print
        PRINT   "\n"
        EXIT    1

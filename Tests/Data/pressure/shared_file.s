# shared_file: two processes write and read one file through mappings of their own.
#
# Working set: the argument, in pages, all of it dirty pages of a file. After each pass
# both wait for one another and change parts: each works on what the other has written.
# One of them has its pages written to the disk; at the end one reads the file by
# read(), the other its mapping.

        .include "common.inc"
        .equ    PASSES, 3
        .equ    MS_ASYNC, 1
        .equ    MS_SYNC,  4

        .globl  _start
_start:
        START
        NEW_FILE s5
        mv      a0, s5
        slli    a1, s1, 12
        SYSCALL ftruncate
        bnez    a0, failed
        li      t0, 1
        MAP_PAGES s10, t0, MAP_SHARED|MAP_ANONYMOUS
        la      s6, there               # a pipe each way: the descriptors to wait and tell
        la      s7, back
        mv      a0, s6
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        mv      a0, s7
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        li      s11, 0
        FORK
        bnez    a0, 1f
        li      s11, 1                  # the child
        mv      t0, s6
        mv      s6, s7
        mv      s7, t0
1:      lw      s8, 0(s6)               # to wait
        lw      s9, 4(s7)               # to tell
        mv      t0, s7
        lw      a0, 0(t0)               # the other's ends: so that each notices if the other is gone
        lw      s6, 4(s6)
        SYSCALL close
        mv      a0, s6
        SYSCALL close

        MAP_PAGES s0, s1, MAP_SHARED, s5
        li      s2, 0
        addi    s3, s11, 11
        EACH    fill, s11, s1, 2        # every other page
pass:   jal     meet
        addi    s2, s2, 1
        add     t0, s11, s2
        andi    t0, t0, 1
        EACH    visit, t0, s1, 2
        bnez    s11, 2f
        mv      a0, s0
        slli    a1, s1, 12
        li      a2, MS_SYNC
        andi    t0, s2, 1
        bnez    t0, 1f
        li      a2, MS_ASYNC
1:      SYSCALL msync
        bnez    a0, lost_or_failed
2:      li      t0, PASSES
        bltu    s2, t0, pass
        jal     meet

        bnez    s11, child
        EACH    whole, zero, s1
        REAP    s4
        CHECK_CHILD s4
        ld      t0, 0(s10)
        slli    t1, s3, 1
        add     s3, t0, t1
        j       finish

child:  la      s0, page                # whole adds up what read() brings here
        li      s4, 0
1:      mv      a0, s5
        mv      a1, s0
        li      a2, PAGE
        slli    a3, s4, 12
        SYSCALL pread64
        li      t0, PAGE
        bne     a0, t0, lost_or_failed
        li      a0, 0
        jal     whole
        addi    s4, s4, 1
        bltu    s4, s1, 1b
        sd      s3, 0(s10)
        EXIT    0

# meet: returns when both processes have come here.
meet:   mv      a0, s9
        la      a1, page
        li      a2, 1
        SYSCALL write
        blez    a0, gone
        mv      a0, s8
        la      a1, page
        li      a2, 1
        SYSCALL read
        blez    a0, gone
        ret

# gone: the other has ended, or a system call lost a page; a0 is its result.
gone:   bnez    s11, lost
        REAP    s4
        j       lost

        .bss
        .balign PAGE
page:   .skip   PAGE
there:  .skip   8
back:   .skip   8

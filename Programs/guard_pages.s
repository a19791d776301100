# guard_pages: guards below 32 stacks, made by mprotect and by MADV_GUARD_INSTALL.
#
# Shows:  a page without rights is an area of its own, and splits the one it lies in.
#         A guard is a mark in a page-table entry: the area stays whole. Both are
#         inherited by a child, and kill it.
# Watch:  the stories of the two children: one met an area without rights (---), the
#         other a guard in an area that may be written.
# Prints: mprotect: 64 areas more, stopped; guards: 1 area more, stopped; removed: it holds 0
# Ends:   exit 0

        .include "lib.inc"
        .equ    STACKS, 32
        .equ    STACK,  16*PAGE         # with its guard at the lower end
        .equ    MADV_GUARD_INSTALL, 102
        .equ    MADV_GUARD_REMOVE,  103
        .equ    O_RDONLY, 0

        .globl  _start
_start:
        li      s5, STACK
        call    count_areas             # whatever is there already
        mv      s4, s0
        call    stacks
1:      mv      a0, s1
        li      a1, PAGE
        li      a2, PROT_NONE
        SYSCALL mprotect
        bnez    a0, failed
        add     s1, s1, s5
        addi    s2, s2, -1
        bnez    s2, 1b
        PRINT   "mprotect: "
        call    report
        mv      a0, s3                  # and away with them
        li      a1, STACKS*STACK
        SYSCALL munmap
        bnez    a0, failed

        call    stacks
1:      mv      a0, s1
        li      a1, PAGE
        li      a2, MADV_GUARD_INSTALL
        SYSCALL madvise
        bnez    a0, failed
        add     s1, s1, s5
        addi    s2, s2, -1
        bnez    s2, 1b
        PRINT   "guards: "
        call    report
        mv      a0, s3
        li      a1, STACKS*STACK
        li      a2, MADV_GUARD_REMOVE
        SYSCALL madvise
        bnez    a0, failed
        PRINT   "removed: it holds "
        ld      a0, 0(s3)
        call    print_number
        PRINT   "\n"
        EXIT    0

# stacks: maps the stacks at s3; s1 and s2 are ready for a loop over them.
stacks: mv      s10, ra
        MAP     STACKS*STACK
        blez    a0, failed
        mv      s3, a0
        mv      s1, a0
        li      s2, STACKS
        jr      s10

# report: prints how many areas there are more than s4, and how a child fares that
# goes down the first stack.
report: mv      s9, ra
        call    count_areas
        sub     s0, s0, s4
        NUMBER  s0
        PRINT   " area"
        li      t0, 1
        beq     s0, t0, 1f
        PRINT   "s"
1:      FORK
        bnez    a0, 3f
        li      t0, STACK
        add     t0, t0, s3
        li      t1, PAGE
2:      sub     t0, t0, t1
        sd      t0, 0(t0)
        bgeu    t0, s3, 2b
        EXIT    0
3:      REAP    s7
        li      t0, SIGSEGV
        bne     s7, t0, failed
        PRINT   " more, stopped; "
        jr      s9

# count_areas: the lines of /proc/self/maps, in s0.
count_areas:
        li      a0, AT_FDCWD
        la      a1, maps
        li      a2, O_RDONLY
        SYSCALL openat
        bltz    a0, failed
        mv      s6, a0
        li      s0, 0
1:      mv      a0, s6
        la      a1, text
        li      a2, PAGE
        SYSCALL read
        bltz    a0, failed
        beqz    a0, 4f
        la      t0, text
        add     t1, t0, a0
        li      t2, '\n'
2:      lbu     t3, 0(t0)
        bne     t3, t2, 3f
        addi    s0, s0, 1
3:      addi    t0, t0, 1
        bne     t0, t1, 2b
        j       1b
4:      mv      a0, s6
        SYSCALL close
        ret

        .section .rodata
maps:   .asciz  "/proc/self/maps"
        .bss
text:   .skip   PAGE

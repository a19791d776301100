# The entry of a C program: calls main(argc, argv, envp), then exits with what it returns. And
# syscall(number, a0...a5), which returns minus errno on failure, as the kernel does.
        .globl  _start, syscall
        .text
_start: .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        ld      a0, 0(sp)               # argc
        addi    a1, sp, 8               # argv
        slli    a2, a0, 3
        add     a2, a2, a1
        addi    a2, a2, 8               # envp: behind argv and its null
        andi    sp, sp, -16
        call    main
        li      a7, 93                  # exit
        ecall

syscall:
        mv      a7, a0
        mv      a0, a1
        mv      a1, a2
        mv      a2, a3
        mv      a3, a4
        mv      a4, a5
        mv      a5, a6
        ecall
        ret

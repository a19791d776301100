# pipe_broken: what happens at both ends of a pipe whose other end has gone.
#
# Shows:  a writer without a reader is sent SIGPIPE, which kills; who ignores it
#         gets EPIPE from write. A reader without a writer gets what is left in
#         the pipe and then 0, the end of file.
# Watch:  the line about the child: killed by SIGPIPE, in which write.
# Prints: ignored: EPIPE, handled: 1 signal, else: killed by 13; a reader gets 5 bytes, then 0
# Ends:   exit 0

        .include "lib.inc"
        .equ    EPIPE, 32

        .globl  _start
_start:
        call    make
        mv      a0, s1                  # nobody will read
        SYSCALL close
        HANDLE  SIGPIPE, ignore
        call    send
        li      t0, -EPIPE
        bne     a0, t0, failed
        PRINT   "ignored: EPIPE, handled: "
        HANDLE  SIGPIPE, count
        call    send
        li      t0, -EPIPE
        bne     a0, t0, failed
        ld      s3, signals
        NUMBER  s3
        li      t0, 1
        bne     s3, t0, failed
        HANDLE  SIGPIPE, default
        FORK
        bnez    a0, 1f
        call    send
        EXIT    0                       # does not come here
1:      REAP    s3
        PRINT   " signal, else: killed by "
        NUMBER  s3
        li      t0, SIGPIPE
        bne     s3, t0, failed

        call    make
        call    send
        mv      a0, s2                  # nobody will write
        SYSCALL close
        call    receive
        mv      s3, a0
        PRINT   "; a reader gets "
        NUMBER  s3
        li      t0, 5
        bne     s3, t0, failed
        call    receive
        mv      s3, a0
        PRINT   " bytes, then "
        NUMBER  s3
        PRINT   "\n"
        bnez    s3, failed
        EXIT    0

# make: a pipe to read from s1 and write to s2.
make:   la      a0, ends
        li      a1, 0
        SYSCALL pipe2
        bnez    a0, failed
        lw      s1, ends
        lw      s2, ends+4
        ret

# send: writes 5 bytes; receive: reads up to 16.
send:   mv      a0, s2
        la      a1, buffer
        li      a2, 5
        SYSCALL write
        ret
receive:
        mv      a0, s1
        la      a1, buffer
        li      a2, 16
        SYSCALL read
        ret

handler:
        la      t0, signals
        ld      t1, 0(t0)
        addi    t1, t1, 1
        sd      t1, 0(t0)
        ret

        .data
        .balign 8
default:
        .dword  0, 0, 0                 # SIG_DFL
ignore: .dword  1, 0, 0                 # SIG_IGN
count:  .dword  handler, 0, 0
signals:
        .dword  0
ends:   .word   0, 0
buffer: .skip   16

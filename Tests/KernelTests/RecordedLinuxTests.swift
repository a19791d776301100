import ExecutableFormat
import Foundation
import MMUKernel
import MMUKit
import Testing
import TestSupport

// Programs whose output a real Linux kernel gave (6.18, see Spec/Kernel.md): fault counts, errors and
// placement, byte for byte.

@Suite struct RecordedLinuxTests {
  @Test(
    arguments: [
      "a01_anon_touch", "a03_populate", "a05_prot_toggle", "a08_madv_populate", "a10_mincore",
      "b10_vfork", "c03_noreplace", "c05_topdown",
      "c07_munmap_errors", "d05_handler_fixup", "d07_jit", "d08_image", "d10_segv_masks",
      "f04_brk_fork", "h06_exec_args", "h10_thread_futex",
      "e01_file_private", "e07_close_unlink", "e12_pagecache_mincore", "e14_readahead",
      "e16_write_via_map", "b11_fork_file_private", "b13_fork_never_written", "d02_prot_errors",
      "e02_file_shared", "e04_file_eof_tail", "e06_truncate_private", "e17_append_visible",
      "h07_exec_errors", "h12_fork_fd_offset", "l02_memfd",
    ])
  func `a program prints what it printed on Linux`(name: String) throws {
    let folder = repositoryRoot() + "/Tests/Data/linux/"
    let elf = try Data(contentsOf: URL(fileURLWithPath: folder + name + ".elf"))
    let expected = try Data(contentsOf: URL(fileURLWithPath: folder + name + ".out"))
    let host = MemoryHostIO()
    let machine = try Machine(
      program: ELFImage(reading: [UInt8](elf)), path: "/" + name, host: host)
    let result = machine.run()
    #expect(host.text == String(decoding: expected, as: UTF8.self))
    #expect(machine.kernel.exitStatus == .exited(0))
    #expect(result.messages.isEmpty)
    #expect(machine.kernel.system.leakedFrames == 0)
    #expect(machine.kernel.system.checkInvariants() == nil)
  }
}

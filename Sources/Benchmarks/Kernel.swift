import MMUKernel
import MMUMemory
import MMUPaging

/// What the kernel does, by trap: a fault is the access that misses, the trap, and the access again.
var kernelWorkloads: [Workload] {
  let pages: UInt64 = 32_768
  func faults(
    _ name: String, _ summary: String, _ kinds: Access.Kind...
  ) -> Workload {
    Workload(name: name, event: "fault", summary: summary, count: Int(pages) * kinds.count) {
      let trapper = Trapper()
      var area = trapper.map(pages)
      trapper.touchAll(area, pages, .write)  // the host backs the frames
      return {
        area = trapper.map(pages, at: area)
        for kind in kinds { trapper.touchAll(area, pages, kind) }
      }
    }
  }
  return [
    faults("demand-zero", "first write of anonymous pages", .write),
    faults("zero-page", "first read of anonymous pages", .read),
    faults("zero-then-write", "a read, then a write that replaces the zero page", .read, .write),
    Workload(
      name: "cached-file", event: "fault", summary: "first write of cached pages of a shared file",
      count: Int(pages)
    ) {
      let trapper = Trapper()
      let file = trapper.memoryFile(pages)
      var area = trapper.map(pages, file: file)
      trapper.touchAll(area, pages, .write)
      return {
        area = trapper.map(pages, at: area, file: file)
        trapper.touchAll(area, pages, .write)
      }
    },
    Workload(
      name: "fault-around", event: "page", summary: "reads of cached pages of a file, 16 a fault",
      count: Int(pages)
    ) {
      let trapper = Trapper()
      let file = trapper.memoryFile(pages)
      var area = trapper.map(pages, file: file)
      trapper.touchAll(area, pages, .write)
      return {
        area = trapper.map(pages, at: area, file: file)
        trapper.touchAll(area, pages, .read)
      }
    },
    Workload(
      name: "null-call", event: "system call", summary: "getpid through Kernel.handle",
      count: 1_000_000
    ) {
      let trapper = Trapper()
      return { for _ in 0..<1_000_000 { trapper.call(172) } }
    },
    Workload(
      name: "cow", event: "fault", summary: "first write of pages shared with a child", count: 8192
    ) {
      let trapper = Trapper()
      let area = trapper.map(8192)
      trapper.touchAll(area, 8192, .write)
      return {
        // The child ends before it runs, so that each write but the first round's reuses a frame.
        trapper.call(220, 17)
        trapper.touchAll(area, 8192, .write)
        trapper.endOthers()
      }
    },
    Workload(
      name: "fork", event: "fork", summary: "fork of 100 written pages, exit and wait", count: 1000
    ) {
      let trapper = Trapper()
      let area = trapper.map(100)
      trapper.touchAll(area, 100, .write)
      return {
        for _ in 0..<1000 {
          trapper.call(220, 17)
          trapper.endOthers()
        }
      }
    },
    Workload(
      name: "switch", event: "switch", summary: "sched_yield between two processes", count: 100_000
    ) {
      let trapper = Trapper()
      trapper.call(220, 17)
      return { for _ in 0..<100_000 { trapper.call(124) } }
    },
    Workload(
      name: "map-unmap", event: "pair", summary: "mmap and munmap of one untouched page",
      count: 100_000
    ) {
      let trapper = Trapper()
      return {
        for _ in 0..<100_000 {
          let area = trapper.map(1)
          trapper.call(215, area, 4096)
        }
      }
    },
    Workload(
      name: "protect-60000", event: "call", summary: "mprotect of one page among 60,000 areas",
      count: 20_000
    ) {
      let trapper = Trapper()
      let area = trapper.map(120_000)
      for page in 0..<30_000 as Range<UInt64> {
        trapper.call(226, area + 4 * page * 4096, 4096, 1)
      }
      return {
        for page in 0..<10_000 as Range<UInt64> {
          trapper.call(226, area + (4 * page + 2) * 4096, 4096, 1)
          trapper.call(226, area + (4 * page + 2) * 4096, 4096, 3)
        }
      }
    },
  ]
}

/// A kernel whose traps come from here instead of a core.
final class Trapper {
  private let mmu: MMU
  let kernel: Kernel
  private let registers = UnsafeMutablePointer<UInt64>.allocate(capacity: 32)
  private var frame: TrapFrame

  private var hasOthers = false

  init(
    ram: UInt64 = 512 << 20, _ configure: (inout KernelConfiguration) -> Void = { _ in }
  ) {
    let memory = PhysicalMemory(bytes: ram)
    mmu = MMU(memory: memory)
    var configuration = KernelConfiguration()
    configure(&configuration)
    kernel = Kernel(memory: memory, configuration: configuration, host: MemoryHostIO())
    kernel.attach(mmu)
    registers.initialize(repeating: 0, count: 32)
    frame = TrapFrame(registers: registers, programCounter: 0)
    let text = ProgramImage.Segment(
      virtualAddress: 0x10000, memorySize: 4096, fileOffset: 0, fileSize: 4096,
      permissions: [.read, .execute])
    let image = ProgramImage(
      file: [UInt8](repeating: 0, count: 4096), entry: 0x10000, segments: [text])
    do {
      try kernel.start(image, path: "benchmark", arguments: ["benchmark"])
    } catch {
      preconditionFailure("the benchmark's program does not start: \(error)")
    }
    kernel.enter(&frame, on: mmu)
  }

  deinit { registers.deallocate() }

  var peakResidentPages: UInt64 { kernel.processes[0].maxResidentPages }

  @discardableResult
  func call(_ number: UInt64, _ arguments: UInt64...) -> UInt64 {
    for (i, value) in arguments.enumerated() { registers[10 + i] = value }
    registers[17] = number
    _ = kernel.handle(.environmentCall, frame: &frame, mmu: mmu, now: kernel.chargedCycles)
    return registers[10]
  }

  /// Makes a child, which does not run yet.
  func fork() {
    call(220, 17)
    hasOthers = true
  }

  /// Ends the child of `fork`.
  func endOthersIfAny() {
    if hasOthers { endOthers() }
    hasOthers = false
  }

  /// Lets the child run, which exits, and the parent collect it.
  func endOthers() {
    call(124)
    call(93, 0)
    call(260, UInt64.max, 0, 0, 0)
  }

  /// Private anonymous memory, or a file shared; at a place it replaces what was there.
  func map(_ pages: UInt64, at address: UInt64 = 0, file: UInt64? = nil) -> UInt64 {
    let flags: UInt64 = (file == nil ? 0x22 : 1) | (address == 0 ? 0 : 0x10)
    return call(222, address, pages * 4096, 3, flags, file ?? ~0, 0)
  }

  /// A file in memory; its name, an empty one, stands in untouched memory.
  func memoryFile(_ pages: UInt64) -> UInt64 {
    let file = call(279, map(1), 0)
    call(46, file, pages * 4096)
    return file
  }

  func touchAll(_ area: UInt64, _ pages: UInt64, _ kind: Access.Kind) {
    let access = Access(kind, .user)
    for page in 0..<pages {
      do throws(TranslationFault) {
        _ = try mmu.translate(linear: area + page * 4096, for: access)
      } catch {
        _ = kernel.handle(
          .fault(error), frame: &frame, mmu: mmu, now: kernel.chargedCycles)
        _ = try? mmu.translate(linear: area + page * 4096, for: access)
      }
    }
  }
}

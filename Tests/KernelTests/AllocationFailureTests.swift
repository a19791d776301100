import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

// Every allocation of frames inside the kernel fails once, and once with all that follow: whatever a
// program does then, the call says so with an error Linux has for it, or the OOM killer ends a
// process, and no frame, table, file or promise is lost. Starting a program, fork, mremap and files
// on disk have tests of their own.

/// What a program does in a few calls.
struct AllocationScenario: CustomTestStringConvertible, Sendable {
  var name: String
  /// Makes what the calls need, before anything fails.
  var prepare: @Sendable (Bench) -> [UInt64] = { _ in [] }
  /// The calls, with what was prepared; what they return.
  var run: @Sendable (Bench, [UInt64]) -> [Int64]

  var testDescription: String { name }

  static let all: [AllocationScenario] = [
    Self(name: "MAP_POPULATE") { bench, _ in
      [bench.call(Number.mmap, 0, 8 << 12, 3, 0x8022, ~0, 0)]
    },
    Self(name: "shared anonymous memory") { bench, _ in
      let p = bench.call(Number.mmap, 0, 4 << 12, 3, 0x21, ~0, 0)
      if p > 0 { bench.touch(UInt64(p)) }
      return [p, bench.call(Number.mmap, 0, 4 << 12, 3, 0x8021, ~0, 0)]
    },
    Self(name: "brk, and a read, then a write of the heap") { bench, _ in
      let old = bench.call(Number.brk, 0)
      let new = bench.call(Number.brk, UInt64(old) + 8192)
      bench.touch(UInt64(old), .read)
      bench.touch(UInt64(old))
      return [old, new]
    },
    Self(
      name: "mremap of many pages",
      prepare: { bench in
        let p = bench.map(520)
        for page in [0, 511, 519] as [UInt64] { bench.touch(p + page << 12) }
        return [p]
      }
    ) { bench, given in
      [bench.call(216, given[0], 520 << 12, 600 << 12, 3, 1 << 40)]
    },
    Self(
      name: "MREMAP_DONTUNMAP",
      prepare: { bench in
        let p = bench.map(2)
        bench.touch(p)
        return [p]
      }
    ) { bench, given in
      [bench.call(216, given[0], 8192, 8192, 7, 1 << 41)]
    },
    Self(
      name: "guards in untouched memory, and fork of them",
      prepare: { bench in
        let shared = bench.call(Number.mmap, 0, 600 << 12, 3, 0x21, ~0, 0)
        return [bench.map(1200), UInt64(bitPattern: shared)]
      }
    ) { bench, given in
      given.map { bench.call(Number.madvise, $0 + 4096, 590 << 12, 102) } + [bench.call(220, 17)]
    },
    Self(
      name: "mlock and mprotect of a private file",
      prepare: { bench in
        bench.prepareFiles()
        let fd = bench.makeFile("/tmp/f", pages: 3)
        return [bench.mapFile(fd, pages: 3, shared: false, protection: 1)]
      }
    ) { bench, given in
      [
        bench.call(228, given[0], 3 << 12), bench.call(Number.mprotect, given[0], 3 << 12, 3),
      ]
    },
    Self(name: "MADV_POPULATE_WRITE", prepare: { [$0.map(4)] }) { bench, given in
      [bench.call(Number.madvise, given[0], 4 << 12, 23)]
    },
    Self(name: "a thread with its number written") { bench, _ in
      let p = bench.map(1)
      // CLONE_VM to SYSVSEM, PARENT_SETTID, CHILD_SETTID.
      let result = bench.call(220, 0x115_0f00, p + 2048, p, 0, p + 8)
      bench.call(Bench.yield)
      return [result]
    },
    Self(
      name: "fork, and both write",
      prepare: { bench in
        bench.touch(Bench.data)
        return []
      }
    ) { bench, _ in
      let result = bench.call(220, 0x20_0011, 0, 0, 0, Bench.data)
      bench.touch(Bench.data)
      bench.call(Bench.yield)
      bench.touch(Bench.data + 8192)
      return [result]
    },
    Self(name: "pipe", prepare: { [$0.map(20), $0.map(20)] }) { bench, given in
      let results = [
        bench.call(59, given[0], 0), bench.call(Number.write, 4, given[0], 9 << 12),
        bench.call(Number.read, 3, given[1], 9 << 12),
      ]
      return results
    },
    Self(name: "socket pair", prepare: { [$0.map(20), $0.map(20)] }) { bench, given in
      [
        bench.call(199, 1, 1, 0, given[0]), bench.call(Number.write, 4, given[0], 9 << 12),
        bench.call(Number.read, 3, given[1], 9 << 12),
      ]
    },
    Self(
      name: "files in memory",
      prepare: { bench in
        bench.prepareFiles()
        bench.put(Array("/tmp/f\0".utf8), at: Bench.pathPage)
        return []
      }
    ) { bench, _ in
      let fd = bench.call(FileNumber.openat, here, Bench.pathPage, readWrite | create, 0o644)
      return [
        fd, bench.call(FileNumber.pwrite64, UInt64(fd), Bench.bufferPages, 5 << 12, 0),
        bench.call(47, UInt64(fd), 0, 0, 9 << 12),
        bench.call(FileNumber.ftruncate, UInt64(fd), 100),
        bench.call(FileNumber.pread64, UInt64(fd), Bench.bufferPages, 4096, 0),
      ]
    },
    Self(name: "System V segment") { bench, _ in
      let id = bench.call(194, 0, 3 << 12, 0o600)
      let p = bench.call(196, UInt64(id), 0, 0)
      if p > 0 { bench.touch(UInt64(p)) }
      return [id, p, bench.call(195, UInt64(id), 2, Bench.data), bench.call(195, UInt64(id), 0)]
    },
    Self(
      name: "signal on an untouched stack",
      prepare: { bench in
        let stack = bench.map(4)
        bench.put(words: [stack, 0, 4 << 12, Bench.text, 0x0800_0000, 0], at: Bench.data)
        return []
      }
    ) { bench, _ in
      let results = [
        bench.call(132, Bench.data, 0), bench.call(134, 10, Bench.data + 24, 0, 8),
      ]
      bench.call(129, 2, 10)
      return results
    },
    Self(name: "the stack grows") { bench, _ in
      let top = bench.space.allAreas.last { $0.flags.contains(.stack) }
      if let top { bench.touch(top.lower - 4096) }
      return []
    },
    Self(
      name: "execve, argv in untouched memory",
      prepare: { bench in
        bench.prepareFiles()
        let fd = bench.call(
          FileNumber.openat, here, bench.path("/tmp/p"), readWrite | create, 0o755)
        _ = bench.pwrite(fd, CloneTests.program, at: 0)
        bench.call(FileNumber.close, UInt64(fd))
        return [bench.path("/tmp/p"), bench.map(1)]
      }
    ) { bench, given in
      let result = bench.call(221, given[0], given[1], given[1])
      bench.touch(0x10000, .read)
      return [result]
    },
    Self(
      name: "/proc, wait4 and clock into untouched memory",
      prepare: { bench in
        bench.prepareFiles()
        bench.put(Array("/proc/self/status\0".utf8), at: Bench.pathPage)
        return [bench.map(4)]
      }
    ) { bench, given in
      let fd = bench.call(FileNumber.openat, here, Bench.pathPage, 0, 0)
      return [
        fd, bench.call(Number.read, UInt64(fd), given[0], 4000),
        bench.call(113, 0, given[0] + 4096), bench.call(160, given[0] + 8192),
      ]
    },
  ]
}

@Suite struct AllocationFailureTests {
  /// ENOMEM; EFAULT of a copy; ENOSPC of a file in memory; EAGAIN of mlock; what follows from these:
  /// a bad descriptor, nothing to be read, a bad segment.
  private static let allowed: [Errno] = [
    .noMemory, .badAddress, .noSpace, .tryAgain, .badDescriptor, .invalid,
  ]

  @Test(arguments: AllocationScenario.all)
  func `an allocation that fails is an error or a kill, and nothing is lost`(
    scenario: AllocationScenario
  ) throws {
    func run(_ configure: (FrameAllocator) -> Void) throws -> (UInt64, Bench, [Int64]) {
      let bench = try Bench(ram: 8 << 20)
      let given = scenario.prepare(bench)
      let frames = bench.kernel.system.frames
      _ = bench.kernel.system.reclaim()
      let before = frames.allocations
      configure(frames)
      let results = scenario.run(bench, given)
      frames.failsForever = false
      frames.allocationsUntilFailure = nil
      return (frames.allocations - before, bench, results)
    }
    let (count, bench, results) = try run { _ in }
    #expect(count > 0)
    #expect(results.allSatisfy { $0 >= 0 }, "\(results)")
    #expect(bench.finish() == nil)
    for n in 0..<count {
      for isForEver in [false, true] {
        let (_, bench, results) = try run {
          $0.allocationsUntilFailure = n
          $0.failsForever = isForEver
        }
        if bench.process.space != nil && bench.kernel.panic == nil {
          for result in results where result < 0 {
            #expect(
              Self.allowed.contains { negative($0) == result }, "allocation \(n): \(results)")
          }
        }
        #expect(bench.finish() == nil, "allocation \(n), for ever: \(isForEver)")
      }
    }
  }
}

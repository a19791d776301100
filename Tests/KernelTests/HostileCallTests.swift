import class Foundation.ProcessInfo
import MMUMemory
import MMUPaging
import Testing

@testable import MMUKernel

// Every system call with arguments that make half a sense or none: real descriptors, paths, areas and
// numbers of processes beside wild ones. Whatever comes of it (a value, an error, a wait, a signal, the
// end of everybody), the kernel's books must balance and no frame may be lost.

@Suite struct HostileCallTests {
  /// `.ci/models` sets it; a seed for each 10,000.
  private static let operations =
    ProcessInfo.processInfo.environment["MMUEMU_OPERATIONS"].flatMap { Int($0) } ?? 50_000

  @Test(arguments: 1...UInt64(max(1, operations / 10_000)))
  func `no arguments of any call bring the kernel down or lose a frame`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed &* 104_729)
    var steps = 0
    var worlds = 0
    // One directory of the host may be changed, one only read, and one is neither's business.
    let (writable, shown, outside) = (try HostFolder(), try HostFolder(), try HostFolder())
    outside["x"] = [1]
    shown["a"] = [2]
    shown.makeDirectory("d")
    while steps < 4000 {
      writable.makeLink("out", to: outside.path)
      let world = try HostileWorld(
        random: random,
        mounts: [
          HostMount(
            try SystemHostDirectory(writable.path), at: [Array("h".utf8)], isWritable: true),
          HostMount(try SystemHostDirectory(shown.path), at: [Array("r".utf8)]),
        ])
      // Half of the seeds write everything down as well.
      if seed % 2 == 0 { world.bench.kernel.trace = { _ in } }
      let problem = world.run(4000 - steps)
      steps += world.steps
      worlds += 1
      random = world.random
      if let problem {
        Issue.record("seed \(seed), world \(worlds), step \(world.steps): \(problem)")
        break
      }
    }
    #expect(outside["x"] == [1] && outside.names == ["x"], "seed \(seed) reached the outside")
    #expect(
      shown["a"] == [2] && shown.names == ["a", "d"], "seed \(seed) changed what it may read")
    // Most of it happens to processes that live for a while.
    #expect(worlds < 150, "seed \(seed)")
  }

  @Test(arguments: 1...UInt64(max(3, operations / 20_000)))
  func `neither a lack of frames nor of promises brings the kernel down or loses any`(
    seed: UInt64
  ) throws {
    var random = SeededGenerator(seed: seed &* 15_485_863)
    var steps = 0
    var kills: UInt64 = 0
    while steps < 2000 {
      let mode = OvercommitMode.allCases[Int(random.next() % 3)]
      // 80 frames are in use when it begins.
      let ram = (86 + random.next() % 32) << 12
      let world = try HostileWorld(random: random, ram: ram, overcommit: mode)
      let problem = world.run(2000 - steps)
      steps += world.steps
      kills += world.bench.kernel.memoryKills
      random = world.random
      if let problem {
        Issue.record("seed \(seed), mode \(mode), step \(world.steps): \(problem)")
        break
      }
    }
    #expect(kills > 0)
  }
}

/// A kernel with some processes, threads and files, and somebody who makes calls in their name.
private final class HostileWorld {
  var random: SeededGenerator
  let bench: Bench
  let area: UInt64
  var steps = 0
  /// Threads that wait, and where their call stands: they repeat it when they go on.
  private var waiting: [Int32: UInt64] = [:]
  private var log: [String] = []

  private static let calls = SystemCall.allCases
  private static let names = [
    "a", "b", "d", "d/e", "d/../a", "/tmp/t", "/dev/shm/s", "/dev/null", "/dev/zero", "/proc",
    "/proc/self/maps", "/proc/self/smaps", "/proc/meminfo", "/proc/self", "/bin/prog", "l", ".",
    "..", "/", "", "a/", "none/x", "//d//", "/h/a", "/h/b", "/h/d", "/h/d/e", "/h/d/../a", "/h/l",
    "/h/out", "/h/out/x", "/h", "/r/a", "/r/d", "/r/new", "/proc/self/oom_score_adj",
    "/proc/sys/vm/overcommit_memory", "/proc/3/oom_score",
  ]
  private static let wild: [UInt64] = [
    ~0, ~7, ~4095, 1 << 63, 1 << 62, (1 << 63) - 1, 1 << 47, (1 << 47) - 4096, (1 << 47) - 8192,
    1 << 44,
    1 << 32, 1 << 31, (1 << 32) - 1, 0xffff_8000_0000_0000, 0xffff_8000_0000_1000, 0x8000_0000_0000,
    0x1234_5678_9abc_def0,
  ]
  private static let small: [UInt64] = [
    0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 22, 32, 64, 65, 100, 1024, 4095, 4096, 4097,
    8192, 20_000, 0x42, 0x8042, 0x50f00,
  ]

  init(
    random: SeededGenerator, mounts: [HostMount] = [], ram: UInt64 = 8 << 20,
    overcommit: OvercommitMode = .heuristic
  ) throws {
    self.random = random
    bench = try Bench(ram: ram) {
      $0.overcommit = overcommit
      $0.overcommitRatio = 150
      $0.diskBytes = 1 << 20
      $0.maximumThreads = 24
      $0.mounts = mounts
    }
    bench.prepareFiles()
    area = bench.map(48)
    for page in 0..<48 as Range<UInt64> where page % 3 != 0 {
      bench.store(UInt8(page), at: area + page * 4096)
    }
    bench.call(FileNumber.mkdirat, here, bench.path("d"), 0o755)
    for name in ["a", "b", "/tmp/t"] { _ = bench.makeFile(name, pages: 5) }
    _ = bench.open("d", readOnly)
    bench.call(FileNumber.memfdCreate, bench.path("m"), 0)
    bench.call(59, Bench.bufferPages, 0x800)
    bench.call(59, Bench.bufferPages, 0)
    bench.call(199, 1, 1, 0, Bench.bufferPages)
    _ = bench.mapFile(3, pages: 4, shared: true, at: area + 20 * 4096)
    _ = bench.mapFile(4, pages: 4, shared: false, at: area + 26 * 4096)
    bench.call(196, UInt64(bench.call(194, 0, 9000, 0o1600)), area + 32 * 4096, 0o40000)
    bench.call(Number.mmap, area + 38 * 4096, 4 * 4096, 3, 0x31, ~0, 0)
    // Handlers with and without SA_RESTART and SA_ONSTACK, and a stack for them.
    for (signal, flags) in [(10, 0), (12, 0x1000_0000), (11, 0x0800_0004), (17, 0x1000_0000)] {
      var action = [UInt8](repeating: 0, count: 24)
      action[1] = 1
      action[2] = 1
      for i in 0..<4 { action[8 + i] = UInt8(truncatingIfNeeded: flags >> (8 * i)) }
      bench.put(action, at: Bench.bufferPages)
      bench.call(134, UInt64(signal), Bench.bufferPages, 0, 8)
    }
    // Four parts for readv and writev.
    let parts: [UInt64] = [area, 100, area + 8000, 5000, area + 4096, 0, area + 20 * 4096, 9000]
    bench.put(
      parts.flatMap { word in (0..<8).map { UInt8(word >> (8 * $0) & 255) } },
      at: Bench.bufferPages)
    for _ in 0..<2 { bench.call(220, 17, 0, 0, 0, 0) }
    for i in 1...2 as ClosedRange<UInt64> {
      bench.call(220, 0x50f00, area + (10 + i) * 4096, 0, 0, area)
    }
  }

  private func pick<T>(_ choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }

  private func chance(_ n: UInt64) -> Bool { random.next() % n == 0 }

  /// Makes so many calls or fewer, until nobody is left; what is wrong then.
  func run(_ count: Int) -> String? {
    let kernel = bench.kernel
    while steps < count, let thread = kernel.currentThread, !isOver {
      steps += 1
      if waiting[thread.tid] == bench.frame.programCounter {
        trap(thread, "again")
      } else if chance(6) {
        access()
      } else {
        call(thread)
      }
      if steps % 40 == 0, let problem = kernel.system.checkInvariants() { return tell(problem) }
    }
    return bench.finish().map(tell)
  }

  private var isOver: Bool { if case .ended = bench.result { true } else { false } }

  private func tell(_ problem: String) -> String {
    "\(problem); the last were\n" + log.suffix(60).joined(separator: "\n")
  }

  private func trap(_ thread: Thread, _ what: String) {
    log.append("\(thread.tid): \(what)")
    if log.count > 200 { log.removeFirst(100) }
    let counter = bench.frame.programCounter
    bench.trap(.environmentCall)
    let isCurrent = bench.kernel.currentThread === thread
    let now = isCurrent ? bench.frame.programCounter : thread.programCounter
    waiting[thread.tid] = thread.state != .dead && now == counter ? counter : nil
  }

  /// An access to some page of some area, or to nothing, which may kill.
  private func access() {
    guard let areas = bench.kernel.current?.space?.allAreas, !areas.isEmpty else { return }
    let chosen = pick(areas)
    let page = random.next() % min(chosen.pages, 1 << 20)
    let isWild = chance(40)
    let address = isWild ? pick(Self.wild) : chosen.lower + page * 4096
    let kind: Access.Kind = chance(2) ? .write : .read
    if !isWild && !chance(40) {
      // Mostly one that its area allows.
      if !chosen.permissions.allow(kind) { return }
      if let inode = bench.kernel.system.sources[Int(chosen.source)]?.inode,
        chosen.pageOffset + page >= inode.pageCount
      {
        return
      }
    }
    do throws(TranslationFault) {
      _ = try bench.mmu.translate(linear: address, for: Access(kind, .user))
    } catch {
      bench.trap(.fault(error))
    }
  }

  private func argument() -> UInt64 {
    switch random.next() % 9 {
    case 0: random.next() >> (random.next() & 63)
    case 1: Bench.pathPage + random.next() % 8192
    case 2: pick(Self.wild)
    case 3: here
    case 4: Bench.bufferPages + 4096 + random.next() % 61_440
    case 5: area + random.next() % 48 * 4096
    case 6: area + random.next() % (48 * 4096)
    default: pick(Self.small)
    }
  }

  private func call(_ thread: Thread) {
    let call = pick(Self.calls)
    // Ends are rare, or nobody would be left to make a call.
    if [.exit, .exitGroup, .signalReturn, .execve].contains(call) && !chance(12) { return }
    var arguments = (0..<6).map { _ in argument() }
    putName(pick(Self.names))
    putName(pick(Self.names), page: 1)
    if !chance(4) { shape(call, &arguments) }
    restrict(call, &arguments)
    for i in 0..<6 { bench.registers[10 + i] = arguments[i] }
    bench.registers[17] = call.rawValue
    trap(thread, "\(call) " + arguments.map { hex($0) }.joined(separator: " "))
  }

  /// A path into one of the pages for them, without a trap: only if it is there.
  private func putName(_ name: String, page: UInt64 = 0) {
    let address = Bench.pathPage + page * 4096
    let access = Access(.write, .user)
    guard bench.kernel.current?.space?.area(at: VirtualAddress(address)) != nil,
      let place = try? bench.mmu.translate(linear: address, for: access)
    else { return }
    bench.memory.willWrite(place.frame)
    for (i, byte) in (Array(name.utf8) + [0]).enumerated() {
      bench.memory.base.storeBytes(of: byte, toByteOffset: Int(place.rawValue) + i, as: UInt8.self)
    }
  }

  /// The shape a call has, with values that may be right.
  private func shape(_ call: SystemCall, _ arguments: inout [UInt64]) {
    let first = Bench.pathPage
    let second = first + 4096
    let fd = random.next() % 16
    let somebody: UInt64 = pick([0, 2, 3, 4, 5, 6, 7, 8, 9, ~0, ~1])
    switch call {
    case .mkdirat, .unlinkat, .faccessat, .fchmodat:
      arguments[0] = here
      arguments[1] = first
    case .readlinkat, .newfstatat: arguments = [here, first, area, pick([0, 0, 100]), 0, 0]
    case .statx: arguments = [here, first, 0, 0x7ff, area, 0]
    case .dup3: arguments = [fd, random.next() % 30, 0, 0, 0, 0]
    case .fcntl: arguments = [fd, pick([0, 1, 2, 3, 4, 1030, 1034]), random.next() % 30, 0, 0, 0]
    case .mremap:
      let pages = 1 + random.next() % 6
      arguments = [
        area, pages * 4096, (1 + random.next() % 9) * 4096, pick([0, 1, 1, 3, 5, 7]),
        area + random.next() % 48 * 4096, 0,
      ]
    case .msync: arguments = [area + random.next() % 48 * 4096, random.next() % 40_000, 4, 0, 0, 0]
    case .madvise: arguments[2] = random.next() % 24
    case .mprotect: arguments[2] &= 7
    case .prctl:
      arguments = [pick([15, 16, 36, 37, 41, 42]), pick([0, 1, area, first]), 0, 0, 0, 0]
    case .readv, .writev, .preadv, .pwritev:
      arguments = [fd, Bench.bufferPages, random.next() % 5, random.next() % 8192, 0, 0]
    case .openat:
      arguments = [here, first, pick([0, 1, 2, 0x42, 0x42, 0x242, 0x442, 0x1_0000]), 0o644, 0, 0]
    case .linkat, .renameat2: arguments = [here, first, here, second, 0, 0]
    case .symlinkat: arguments = [first, here, second, 0, 0, 0]
    case .truncate, .chdir, .memfdCreate: arguments[0] = first
    case .execve: arguments = [first, pick([0, 0, area]), pick([0, 0, area]), 0, 0, 0]
    case .mmap:
      arguments = [
        pick([0, area + 16 * 4096]), pick([1, 4096, 40_000, 400_000]), pick([1, 3, 3, 7]),
        pick([1, 1, 2, 0x21, 0x22, 0x8022, 0x122, 0x8001]), fd, pick([0, 4096, 16384]),
      ]
      if arguments[0] != 0 { arguments[3] |= 0x10 }
    case .dup, .getdents64, .lseek, .read, .write, .pread64, .pwrite64, .fstat, .fsync, .fdatasync,
      .ftruncate, .fadvise64, .fchmod:
      arguments[0] = fd
      if [.lseek, .ftruncate].contains(call) { arguments[1] %= 1 << 20 }
    case .signalAction, .signalMask, .signalSuspend, .signalPending:
      arguments[0] = call == .signalAction || call == .signalMask ? random.next() % 66 : area
      arguments[call == .signalPending || call == .signalSuspend ? 1 : 3] = 8
    case .kill, .setProcessGroup, .getProcessGroup, .getSession, .prlimit64:
      arguments[0] = somebody
      arguments[1] = pick([0, 0, 10, 12, 17, 18, 34, 3, 7])
    case .threadKill: arguments = [somebody, pick([0, 10, 12, 34]), 0, 0, 0, 0]
    case .threadGroupKill: arguments = [somebody, somebody, pick([0, 10, 12]), 0, 0, 0]
    case .wait4: arguments = [somebody, pick([0, area]), pick([0, 1, 1]), pick([0, area]), 0, 0]
    case .waitID: arguments = [pick([0, 1, 2]), somebody, area, pick([4, 5, 0x0100_0005]), 0, 0]
    case .clone:
      arguments[0] = pick([17, 17, 0, 0x4111, 0x50f00, 0x120_0011, 0x411])
      arguments[1] = pick([0, area + 8 * 4096])
    case .futex:
      arguments = [
        area + random.next() % 64 * 4, pick([0, 1, 3, 4, 9, 10, 128, 129]), random.next() % 4,
        pick([0, 1, area]), area + random.next() % 64 * 4, ~0,
      ]
    case .nanosleep, .clockNanosleep:
      // Seconds and nanoseconds from a page that holds small numbers, if any.
      arguments = call == .nanosleep ? [area, 0, 0, 0, 0, 0] : [1, pick([0, 1]), area, 0, 0, 0]
    case .shmat:
      arguments = [random.next() % 3, pick([0, area]), pick([0, 0o40000, 0o10000]), 0, 0, 0]
    case .shmctl: arguments = [random.next() % 3, pick([0, 2]), area, 0, 0, 0]
    case .shmget: arguments = [random.next() % 3, random.next() % 20_000, 0o1600, 0, 0, 0]
    default: break
    }
  }

  /// Keeps what would take the test's own pages away, or the host's time, to an area made for it.
  private func restrict(_ call: SystemCall, _ arguments: inout [UInt64]) {
    let isFixed = call == .mmap && arguments[3] & 0x10_0010 != 0
    let isOnAreas =
      [.munmap, .mremap, .mprotect, .madvise, .mlock, .mlock2, .mincore].contains(call) || isFixed
    if isOnAreas && !chance(10) {
      arguments[0] = area + random.next() % 48 * 4096
      arguments[1] %= 1 << 20
    }
    if call == .mremap && arguments[3] & 2 != 0 && !chance(10) {
      arguments[4] = area
      arguments[2] %= 1 << 20
    }
    // As many pages as a test has time for.
    if [.mmap, .shmget].contains(call) && arguments[1] < 1 << 44 { arguments[1] %= 1 << 24 }
    if call == .mremap && arguments[2] < 1 << 44 { arguments[2] %= 1 << 24 }
    if call == .brk && chance(2) { arguments[0] = bench.kernel.current?.space?.currentBreak ?? 0 }
    // SIGKILL and what kills like it, seldom.
    if call == .execve && chance(2) { putName("/bin/prog") }
    if [.kill, .threadKill, .threadGroupKill].contains(call) && !chance(15) {
      let place = call == .threadGroupKill ? 2 : 1
      if ![0, 10, 12, 17, 18].contains(arguments[place] & 0xffff_ffff) { arguments[place] = 10 }
    }
  }
}

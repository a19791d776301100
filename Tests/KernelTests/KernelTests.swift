@testable import MMUKernel
import MMUMemory
import MMUPaging
import MMUTiming

// What the kernel's tests share: a kernel with a program that consists of nothing, whose accesses
// and system calls the test makes itself. No core and no instructions are needed for that.

/// A machine without a core.
final class Bench {
  let memory: PhysicalMemory
  let mmu: MMU
  let kernel: Kernel
  let host: MemoryHostIO
  let registers: UnsafeMutablePointer<UInt64>
  var frame: TrapFrame
  var messages: [KernelMessage] = []
  var clock: Cycles = 0
  /// The last result of a trap.
  var result = TrapResult.resume

  /// The code page and the data page of the program.
  static let text: UInt64 = 0x10000
  static let data: UInt64 = 0x20000

  /// Text of one page; data of one page and a half, then one and a half of zeros.
  static let image = ProgramImage(
    file: (0..<3 * 4096).map { UInt8(truncatingIfNeeded: $0 / 4096 * 16 + 1) }, entry: text,
    segments: [
      .init(
        virtualAddress: text, memorySize: 4096, fileOffset: 0, fileSize: 4096,
        permissions: [.read, .execute]),
      .init(
        virtualAddress: data, memorySize: 3 * 4096, fileOffset: 4096, fileSize: 4096 + 2048,
        permissions: [.read, .write]),
    ], programHeaderAddress: text + 64, programHeaderCount: 2)

  init(
    ram: UInt64 = 16 << 20, random: Bool = false, arguments: [String] = ["prog"],
    environment: [String] = [], input: [UInt8] = [], image: ProgramImage = Bench.image,
    isStarted: Bool = true, controls: PagingControls = PagingControls(),
    configure: (inout KernelConfiguration) -> Void = { _ in }
  ) throws {
    memory = PhysicalMemory(bytes: ram)
    var hardware = MMUConfiguration()
    hardware.controls = controls
    mmu = MMU(memory: memory, configuration: hardware)
    host = MemoryHostIO(input: input)
    var configuration = KernelConfiguration()
    configuration.isAddressLayoutRandom = random
    configure(&configuration)
    kernel = Kernel(memory: memory, configuration: configuration, host: host)
    registers = .allocate(capacity: 33)
    registers.initialize(repeating: 0, count: 33)
    frame = TrapFrame(registers: registers, programCounter: 0)
    kernel.attach(mmu)
    kernel.messages = { [unowned self] in messages.append($0) }
    guard isStarted else { return }
    try kernel.start(image, path: "/bin/prog", arguments: arguments, environment: environment)
    kernel.enter(&frame, on: mmu)
    clock = kernel.resumedAt
  }

  deinit { registers.deallocate() }

  var process: Process { kernel.processes[0] }
  var space: AddressSpace { process.space! }

  /// Makes a system call; the value of a0 afterwards.
  @discardableResult
  func call(_ number: UInt64, _ arguments: UInt64...) -> Int64 {
    for i in 0..<6 { registers[10 + i] = i < arguments.count ? arguments[i] : 0 }
    registers[17] = number
    trap(.environmentCall)
    return Int64(bitPattern: registers[10])
  }

  func trap(_ trap: Trap) {
    clock += 1000
    result = kernel.handle(trap, frame: &frame, mmu: mmu, now: clock)
    clock = kernel.resumedAt
  }

  /// Makes an access as the program would; false if it killed the program.
  @discardableResult
  func touch(_ address: UInt64, _ kind: Access.Kind = .write) -> Bool {
    place(address, kind) != nil
  }

  func place(_ address: UInt64, _ kind: Access.Kind) -> PhysicalAddress? {
    for _ in 0..<1000 {
      do throws(TranslationFault) {
        return try mmu.translate(linear: address, for: Access(kind, .user))
      } catch {
        trap(.fault(error))
        if case .ended = result { return nil }
      }
    }
    return nil
  }

  func store(_ value: UInt8, at address: UInt64) {
    guard let place = place(address, .write) else { return }
    memory.willWrite(place.frame)
    (memory.base + Int(place.rawValue)).storeBytes(of: value, as: UInt8.self)
  }

  func load(_ address: UInt64) -> UInt8? {
    place(address, .read).map { (memory.base + Int($0.rawValue)).load(as: UInt8.self) }
  }

  func loadWord(_ address: UInt64) -> UInt64? {
    var value: UInt64 = 0
    for i in (0..<8).reversed() {
      guard let byte = load(address + UInt64(i)) else { return nil }
      value = value << 8 | UInt64(byte)
    }
    return value
  }

  func loadString(_ address: UInt64) -> String? {
    var bytes: [UInt8] = []
    while let byte = load(address + UInt64(bytes.count)) {
      if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    return nil
  }

  /// mmap of private anonymous memory.
  @discardableResult
  func map(_ pages: UInt64, _ protection: UInt64 = 3, at: UInt64 = 0, flags: UInt64 = 0) -> UInt64 {
    UInt64(bitPattern: call(222, at, pages * 4096, protection, 0x22 | flags, ~0, 0))
  }

  var minorFaults: UInt64 { process.minorFaults }

  /// Ends the program and tells what is wrong with the kernel's books, if anything is.
  func finish() -> String? {
    if let problem = kernel.system.checkInvariants() { return problem }
    if process.space != nil && kernel.current === process { call(94, 0) }
    kernel.shutDown()
    if let problem = kernel.system.checkInvariants() { return problem }
    return kernel.leak
  }

  /// The areas as text, relative to an address: `0-2 rw-, 3-4 r--`.
  func areas(from base: UInt64, pages: UInt64) -> String {
    space.allAreas.filter { $0.upper > base && $0.lower < base + pages * 4096 }.map {
      let low = (Int64(bitPattern: $0.lower) - Int64(bitPattern: base)) / 4096
      let high = (Int64(bitPattern: $0.upper) - Int64(bitPattern: base)) / 4096
      return "\(low)-\(high) \($0.permissions)"
    }.joined(separator: ", ")
  }
}

enum Number {
  static let read: UInt64 = 63
  static let write: UInt64 = 64
  static let exit: UInt64 = 93
  static let brk: UInt64 = 214
  static let munmap: UInt64 = 215
  static let mmap: UInt64 = 222
  static let mprotect: UInt64 = 226
  static let madvise: UInt64 = 233
}

func negative(_ error: Errno) -> Int64 { -error.rawValue }

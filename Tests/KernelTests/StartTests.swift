@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

@Suite struct StartTests {
  /// The auxiliary vector as the program finds it.
  private func auxiliary(_ bench: Bench) -> [UInt64: UInt64] {
    var at = bench.registers[2] + 8
    func next() -> UInt64 {
      defer { at += 8 }
      return bench.loadWord(at) ?? 0
    }
    while next() != 0 {}
    while next() != 0 {}
    var result: [UInt64: UInt64] = [:]
    while true {
      let type = next()
      result[type] = next()
      if type == 0 { return result }
    }
  }

  @Test(arguments: [false, true])
  func `arguments, environment and auxiliary vector lie as on Linux`(random: Bool) throws {
    let bench = try Bench(
      random: random, arguments: ["prog", "child", "", "a b", "0123456789"],
      environment: ["X=1", "EMPTY=", "PATH=/bin"])
    let sp = bench.registers[2]
    #expect(sp % 16 == 0)
    for i in 0..<32 where i != 2 { #expect(bench.registers[i] == 0) }
    #expect(bench.frame.programCounter == Bench.text)
    let words = (0..<11).map { bench.loadWord(sp + $0 * 8)! }
    #expect(words[0] == 5 && words[6] == 0 && words[10] == 0)
    #expect(
      words[1...5].map { bench.loadString($0) } == ["prog", "child", "", "a b", "0123456789"])
    #expect(words[7...9].map { bench.loadString($0) } == ["X=1", "EMPTY=", "PATH=/bin"])
    let aux = auxiliary(bench)
    #expect(aux[3] == Bench.text + 64 && aux[4] == 56 && aux[5] == 2)
    #expect(aux[6] == 4096 && aux[7] == 0 && aux[9] == Bench.text && aux[23] == 0)
    #expect(aux[16] == 0x1101 && aux[17] == 100)
    #expect(aux[11] == 0 && aux[12] == 0 && aux[13] == 0 && aux[14] == 0 && aux[8] == 0)
    #expect(bench.loadString(aux[31]!) == "/bin/prog")
    #expect(bench.loadWord(aux[25]!) != 0)
    #expect(words[1] > aux[25]!)
    #expect(bench.loadWord(bench.space.allAreas.last!.upper - 8) == 0)
    #expect(bench.finish() == nil)
  }

  @Test func `the seed alone decides where things are`() throws {
    func places(_ seed: UInt64, random: Bool) throws -> [UInt64] {
      let bench = try Bench(random: random) { $0.seed = seed }
      return [bench.registers[2], bench.map(1), UInt64(bench.call(Number.brk, 0))]
    }
    #expect(try places(1, random: true) == places(1, random: true))
    for i in 0..<3 {
      #expect(try places(1, random: true)[i] != places(2, random: true)[i])
      #expect(try places(1, random: false)[i] == places(2, random: false)[i])
    }
  }

  @Test func `file pages come in when touched, with zeros behind the file's part`() throws {
    let bench = try Bench()
    let before = bench.minorFaults
    #expect(bench.load(Bench.text) == 1)
    #expect(bench.load(Bench.data) == 17)
    #expect(bench.load(Bench.data + 4096 + 2047) == 33)
    #expect(bench.load(Bench.data + 4096 + 2048) == 0)
    #expect(bench.load(Bench.data + 8192) == 0)
    // The page with the end of the file's part was copied and cleared behind it at the start.
    #expect(bench.minorFaults - before == 3)
    #expect(bench.space.residentFile == 2)
    #expect(bench.process.faults.file == 3)
    // A private page: read first, so its write is a copy; the file's frame stays as it was.
    bench.store(99, at: Bench.data)
    #expect(bench.load(Bench.data) == 99 && bench.load(Bench.data + 1) == 17)
    #expect(bench.minorFaults - before == 4)
    #expect(bench.space.residentFile == 1)
    bench.call(Number.madvise, Bench.data, 4096, 4)
    #expect(bench.load(Bench.data) == 17)
    #expect(bench.finish() == nil)
  }

  @Test func `a write to a file page untouched till then is one fault`() throws {
    let bench = try Bench()
    let before = bench.minorFaults
    bench.store(5, at: Bench.data + 10)
    #expect(bench.minorFaults - before == 1)
    #expect(bench.load(Bench.data) == 17 && bench.load(Bench.data + 10) == 5)
    #expect(bench.finish() == nil)
  }

  @Test func `what cannot be started is refused in words and leaves nothing behind`() throws {
    func attempt(
      _ expected: StartError, ram: UInt64 = 16 << 20, arguments: [String] = ["x"],
      configure: (inout KernelConfiguration) -> Void = { _ in },
      _ change: (inout ProgramImage) -> Void
    ) throws {
      var image = Bench.image
      change(&image)
      let bench = try Bench(ram: ram, isStarted: false, configure: configure)
      #expect(throws: expected) {
        try bench.kernel.start(image, path: "x", arguments: arguments)
      }
      #expect(bench.kernel.system.leakedFrames == 0)
      #expect(bench.kernel.system.checkInvariants() == nil)
      #expect(!expected.description.isEmpty)
    }
    try attempt(.segmentOutOfRange(index: 0, address: 0x1000)) {
      $0.segments[0].virtualAddress = 0x1000
    }
    try attempt(.segmentOutOfRange(index: 1, address: (1 << 47) - 8192)) {
      $0.segments[1].virtualAddress = (1 << 47) - 8192
    }
    try attempt(.outOfMemory) { $0.segments[1].memorySize = 1 << 40 }
    try attempt(.argumentsTooLong, arguments: [String(repeating: "a", count: 200_000)]) { _ in }
    try attempt(.writableCode(index: 1), configure: { $0.deniesWritableCode = true }) {
      $0.segments[1].permissions = [.read, .write, .execute]
    }
  }

  @Test func `no allocation that fails loses a frame`() throws {
    for n in 0..<40 as Range<UInt64> {
      let bench = try Bench(isStarted: false)
      bench.kernel.system.frames.allocationsUntilFailure = n
      bench.kernel.system.frames.failsForever = n % 2 == 0
      do {
        try bench.kernel.start(Bench.image, path: "x", arguments: ["x"])
      } catch {
        #expect(error == .outOfMemory)
        #expect(bench.kernel.system.leakedFrames == 0)
        continue
      }
      bench.kernel.enter(&bench.frame, on: bench.mmu)
      var isAlive = true
      for address in [Bench.text, Bench.data, Bench.data + 4096, Bench.data + 8192] where isAlive {
        isAlive = bench.touch(address, .read) && (address == Bench.text || bench.touch(address))
      }
      if isAlive {
        let p = bench.map(600)
        isAlive = bench.touch(p) && bench.touch(p + 599 * 4096)
        if isAlive { bench.call(Number.write, 1, p + 4096, 9000) }
      }
      if !isAlive { #expect(bench.kernel.exitStatus == .killed(.kill)) }
      bench.kernel.system.frames.failsForever = false
      bench.kernel.system.frames.allocationsUntilFailure = nil
      if let problem = bench.finish() { Issue.record("after \(n) allocations: \(problem)") }
    }
  }

  @Test func `the kernel's half maps all RAM for the supervisor only`() throws {
    for ram in [8 << 20, (8 << 20) + 4096, (1 << 30) + (6 << 20) + 8192, 3 << 39] as [UInt64] {
      let memory = PhysicalMemory(bytes: ram)
      let system = SystemMemory(memory)
      var configuration = MMUConfiguration()
      configuration.controls.physicalAddressBits = 46
      let mmu = MMU(memory: memory, configuration: configuration)
      system.attach(mmu)
      for place in [0, 4096, ram / 2, ram - 4096, ram - 1] as [UInt64] {
        let address = SystemMemory.directMap + place
        let found = try? mmu.translate(linear: address, for: Access(.write, .supervisor))
        #expect(found == PhysicalAddress(place))
      }
      #expect(throws: TranslationFault.self) {
        _ = try mmu.translate(
          linear: SystemMemory.directMap + ram, for: Access(.read, .supervisor))
      }
      #expect(system.kernelTablePages <= 6)
      #expect(system.leakedFrames == 0)
    }
  }
}

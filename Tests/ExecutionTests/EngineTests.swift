import Foundation
import MMUExecution
import MMUMemory
import MMUPaging
import RISCV
import Testing

@Suite struct EngineTests {
  /// Programs for each geometry: 12, or what `.ci/engines` asks for.
  static let seeds =
    ProcessInfo.processInfo.environment["MMUEMU_SEEDS"].flatMap { UInt64($0) } ?? 12

  /// The geometries that the filter treats differently.
  static let geometries: [(String, MMUConfiguration)] = {
    var full = MMUConfiguration()
    full.dataTLB[0] = TLBArray([.size4K], CacheGeometry(entries: 64))
    full.instructionTLB[0] = TLBArray([.size4K], CacheGeometry(entries: 2))
    var tree = MMUConfiguration()
    tree.dataTLB[0] = TLBArray(
      [.size4K], CacheGeometry(entries: 12, ways: 6, replacement: .treePLRU))
    tree.instructionTLB[0] = TLBArray(
      [.size4K], CacheGeometry(entries: 2, ways: 2, replacement: .treePLRU))
    tree.secondTLB = [
      TLBArray([.size4K, .size2M], CacheGeometry(entries: 24, ways: 8, replacement: .fifo))
    ]
    var odd = MMUConfiguration()
    odd.dataTLB = [
      TLBArray(
        [.size4K, .size2M, .size1G], CacheGeometry(entries: 9, ways: 3, replacement: .random))
    ]
    odd.secondTLB = []
    odd.pdeCache = nil
    var bare = MMUConfiguration()
    bare.instructionTLB = []
    bare.dataTLB = [TLBArray([.size2M], CacheGeometry(entries: 2))]
    return [
      ("default", MMUConfiguration()), ("full", full), ("tree", tree), ("odd", odd), ("bare", bare),
    ]
  }()

  /// Runs a program to a row of marks; a snapshot at each.
  private func run(
    _ machine: MiniMachine, marks: [RunMark], before: (MiniMachine) -> Bool
  ) -> [String] {
    var result: [String] = []
    for mark in marks {
      while true {
        let byReference = before(machine)
        let reason =
          byReference
          ? machine.core.runByReference(until: mark) : machine.core.run(until: mark)
        if reason == .mark { break }
        machine.answer(reason)
      }
      result.append(machine.snapshot)
    }
    result.append("memory \(machine.memoryHash)")
    return result
  }

  @Test(arguments: 0..<5)
  func `the fast engine equals the reference at every mark, whatever the slices and filters`(
    _ geometry: Int
  ) {
    let (name, configuration) = Self.geometries[geometry]
    for seed in 1...Self.seeds {
      let program = randomProgram(seed: seed * 977, length: 600 + Int(seed % 3) * 900)
      var choice = seed
      // Marks by instructions and by cycles, from one to some thousands apart.
      var marks: [RunMark] = []
      var instructions: UInt64 = 0
      for i in 0..<14 {
        instructions += SplitMix.next(&choice) % (i % 3 == 0 ? 9000 : 60)
        marks.append(RunMark(instructions: instructions))
        if i % 4 == 3 {
          marks.append(RunMark(instructions: instructions + 300, cycles: instructions * 5))
          instructions += 300
        }
      }
      let reference = MiniMachine(
        program, engine: .reference, configuration: configuration, seed: seed)
      let fast = MiniMachine(program, engine: .fast, configuration: configuration, seed: seed)
      let expected = run(reference, marks: marks) { _ in false }
      let actual = run(fast, marks: marks) { machine in
        machine.core.fast?.sliceLength = 1 + SplitMix.next(&choice) % 120
        if SplitMix.next(&choice) % 5 == 0 { machine.mmu.dropTranslationFilters() }
        if SplitMix.next(&choice) % 7 == 0 { machine.core.fast?.dropDecodedPages() }
        return SplitMix.next(&choice) % 6 == 0
      }
      if let place = expected.indices.first(where: { expected[$0] != actual[$0] }) {
        Issue.record(
          """
          \(name), seed \(seed), mark \(place):
          \(differences(expected[place], actual[place]))
          """)
        return
      }
    }
  }

  @Test func `at a stop on a page not fetched from before, the fetch is still to come`() {
    // A jump to the next page, where the run stops first, then ends.
    var program = [UInt32](repeating: encode(Instruction(.addi)), count: 1026)
    program[0] = encode(Instruction(.jal, rd: 0, immediate: 4096))
    program[1025] = encode(Instruction(.ebreak))
    var snapshots: [String] = []
    for engine in EngineKind.allCases {
      let machine = MiniMachine(program, engine: engine)
      machine.core.stops = [MiniMachine.code + 4096]
      #expect(machine.core.run() == .arrived(MiniMachine.code + 4096))
      #expect(machine.mmu.counters[.itlbMisses] == 1)
      snapshots.append(machine.snapshot)
      #expect(machine.core.run(passing: true) == .breakpoint)
      #expect(machine.mmu.counters[.itlbMisses] == 2)
      snapshots.append(machine.snapshot)
    }
    #expect(snapshots[..<2] == snapshots[2...])
  }

  @Test func `a page written, executed and written again shows its newest code`() {
    // x15 points at the written page: store `addi x5, x5, 1; jalr x0, 0(x1)`, call it, replace the
    // first word by `addi x5, x5, 100`, call again. No FENCE.I is needed in this machine.
    var program = [encode(Instruction(.lui, rd: 15, immediate: Int32(MiniMachine.written)))]
    func store(_ word: UInt32, at offset: Int32) {
      let low = Int32(bitPattern: word << 20) >> 20
      program.append(
        encode(Instruction(.lui, rd: 6, immediate: Int32(bitPattern: word) &- low)))
      program.append(encode(Instruction(.addiw, rd: 6, rs1: 6, immediate: low)))
      program.append(encode(Instruction(.sw, rs1: 15, rs2: 6, immediate: offset)))
    }
    for step in [1, 100] as [Int32] {
      store(encode(Instruction(.addi, rd: 5, rs1: 5, immediate: step)), at: 0)
      store(encode(Instruction(.jalr, rd: 0, rs1: 1)), at: 4)
      program.append(encode(Instruction(.jalr, rd: 1, rs1: 15)))
    }
    program.append(encode(Instruction(.ebreak)))
    for engine in EngineKind.allCases {
      let machine = MiniMachine(program, engine: engine)
      #expect(machine.core.run() == .breakpoint)
      #expect(machine.core.registers[5] == 101, "\(engine)")
    }
  }

  private func differences(_ a: String, _ b: String) -> String {
    let left = a.split(separator: " ")
    let right = b.split(separator: " ")
    return zip(left, right).filter { $0 != $1 }
      .map { "reference \($0), fast \($1)" }.joined(separator: "; ")
  }
}

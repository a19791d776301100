import MMUAssembly
import Testing
import TestSupport

@testable import MMULabs

/// What is wrong with a text, as `LINE:COLUMN MESSAGE`.
func complaints(_ read: () throws(LabFailure) -> Void) -> [String] {
  do throws(LabFailure) {
    try read()
    return []
  } catch {
    return error.diagnostics.map {
      ($0.place.map { "\($0.line):\($0.column) " } ?? "") + $0.message
    }
  }
}

@Suite struct FitHeapTests {
  /// The free runs of a byte map.
  private func runs(_ used: [Bool], _ base: UInt64) -> [FitHeap.Block] {
    var result: [FitHeap.Block] = []
    for (i, isUsed) in used.enumerated() where !isUsed {
      if let last = result.last, last.end == base + UInt64(i) {
        result[result.count - 1].size += 1
      } else {
        result.append(FitHeap.Block(address: base + UInt64(i), size: 1))
      }
    }
    return result
  }

  @Test(arguments: FitStrategy.allCases)
  func `every step agrees with a byte map`(strategy: FitStrategy) {
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = Dice(seed)
      let size = 20 + random.below(200)
      let base = UInt64(random.below(2)) * 4096
      var heap = FitHeap(strategy, base: base, size: UInt64(size))
      var used = [Bool](repeating: false, count: size)
      var held: [FitHeap.Block] = []
      var lastEnd = base
      for step in 0..<200 {
        let free = runs(used, base)
        #expect(heap.freeList == free, "\(strategy), seed \(seed), step \(step)")
        #expect(heap.freeSize == UInt64(used.count { !$0 }))
        if random.below(100) < 55 {
          let wanted = UInt64(1 + random.below(size / 4))
          let fitting = free.filter { $0.size >= wanted }
          let expected: FitHeap.Block? =
            switch strategy {
            case .first: fitting.first
            case .best: fitting.min { ($0.size, $0.address) < ($1.size, $1.address) }
            case .worst: fitting.max { ($0.size, $1.address) < ($1.size, $0.address) }
            case .next: fitting.first { $0.address >= lastEnd } ?? fitting.first
            }
          let address = heap.allocate(wanted)
          #expect(address == expected?.address, "\(strategy), seed \(seed), step \(step)")
          guard let address else { continue }
          held.append(FitHeap.Block(address: address, size: wanted))
          lastEnd = address + wanted
          for i in 0..<Int(wanted) { used[Int(address - base) + i] = true }
        } else if !held.isEmpty {
          let index = random.below(held.count)
          if random.below(4) == 0 {
            let more = UInt64(1 + random.below(5))
            let end = Int(held[index].end - base)
            let isFree = end + Int(more) <= size && !used[end..<end + Int(more)].contains(true)
            #expect(heap.extend(at: held[index].end, by: more) == isFree)
            if isFree {
              held[index].size += more
              for i in 0..<Int(more) { used[end + i] = true }
            }
            continue
          }
          let block = held.remove(at: index)
          heap.free(block.address, block.size)
          for i in 0..<Int(block.size) { used[Int(block.address - base) + i] = false }
        }
      }
    }
  }

  @Test func `an address freed twice is a broken invariant`() async {
    await #expect(processExitsWith: .failure) {
      var heap = FitHeap(.first, size: 10)
      heap.free(3, 1)
    }
    await #expect(processExitsWith: .failure) {
      var heap = FitHeap(.first, size: 10)
      _ = heap.allocate(4)
      heap.free(3, 2)
    }
  }

  @Test func `a replay tells each step and compares the strategies`() throws {
    let text = """
      alloc a 3   # low
      alloc b 2\r
      alloc c 4

      free a
      free c
      alloc d 4
      free b
      alloc e 0x4
      alloc f 1K
      free f
      """
    let script = try FitScript([UInt8](text.utf8), name: "t")
    #expect(
      script.replay(size: 10, [.first, .worst]) == """
        first fit, 10 bytes
          alloc a 3    at 0            free: 3-10
          alloc b 2    at 3            free: 5-10
          alloc c 4    at 5            free: 9-10
          free a       0-3             free: 0-3 9-10
          free c       5-9             free: 0-3 5-10
          alloc d 4    at 5            free: 0-3 9-10
          free b       3-5             free: 0-5 9-10
          alloc e 0x4  at 0            free: 4-5 9-10
          alloc f 1K   fails           free: 4-5 9-10
          free f       was not placed  free: 4-5 9-10

        worst fit, 10 bytes
          alloc a 3    at 0            free: 3-10
          alloc b 2    at 3            free: 5-10
          alloc c 4    at 5            free: 9-10
          free a       0-3             free: 0-3 9-10
          free c       5-9             free: 0-3 5-10
          alloc d 4    at 5            free: 0-3 9-10
          free b       3-5             free: 0-5 9-10
          alloc e 0x4  at 0            free: 4-5 9-10
          alloc f 1K   fails           free: 4-5 9-10
          free f       was not placed  free: 4-5 9-10

                                  first  worst
        requests                      6      6
        failed                        1      1
          though enough was free      0      0
        free at the end               2      2
          blocks                      2      2
          largest                     1      1
        external fragmentation    50.0%  50.0%
          at most                 50.0%  50.0%
        internal fragmentation     0.0%   0.0%
        blocks looked at              8      9

        """)
  }

  @Test func `every mistake of a script is told with its place`() {
    let text = """
      alloc a 10
      aloc b 1
      alloc a 5
        alloc c
      alloc d 5X
      alloc e 0
      free z
      free a a
      alloc f 2000000G
      alloc
      """
    let found = complaints { () throws(LabFailure) in
      _ = try FitScript([UInt8](text.utf8), name: "t")
    }
    #expect(
      found == [
        "2:1 'aloc' is no command", "3:7 'a' is allocated already",
        "4:10 a size is missing after 'c'", "5:9 '5X' is no size", "6:9 a size is 1 at least",
        "7:6 'z' is not allocated here", "8:8 'a' is one word too many",
        "9:9 a size is at most 1048576G", "10:6 a name is missing after 'alloc'",
      ])
    let empty = complaints { () throws(LabFailure) in
      _ = try FitScript([UInt8]("# nothing\n\n".utf8), name: "t")
    }
    #expect(empty == ["t has no commands"])
  }

  @Test func `numbers are read and written in powers of 1024`() {
    #expect(LabNumber.size("12K") == 12288)
    #expect(LabNumber.size("0x10") == 16)
    #expect(LabNumber.size("3g") == 3 << 30)
    for text in ["", "K", "-1", "+1", "0x", "1.5K", "17179869184G", "1KB"] {
      #expect(LabNumber.size(text) == nil, "\(text)")
    }
    #expect(LabNumber.text(12288) == "12K" && LabNumber.text(12289) == "12289")
    #expect(LabNumber.words(3060 << 10) == "2.9 MiB" && LabNumber.words(1 << 39) == "512 GiB")
    #expect(LabNumber.percent(1, of: 3) == "33.3%" && LabNumber.percent(2, of: 3) == "66.7%")
    #expect(
      LabNumber.percent(0, of: 0) == "-" && LabNumber.percent(1 << 50, of: 1 << 50) == "100.0%")
  }
}

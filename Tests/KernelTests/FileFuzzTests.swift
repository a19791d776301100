@testable import MMUKernel
import MMUMemory
import MMUPaging
import Testing

// Calls on files with arguments that make half a sense: real descriptors and paths beside wild ones.

@Suite struct FileFuzzTests {
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `no arguments of file calls bring the kernel down or lose a frame`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed &* 104_729)
    func pick<T>(_ choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    let calls: [UInt64] = [
      17, 23, 24, 25, 34, 35, 36, 37, 45, 46, 48, 49, 50, 52, 53, 56, 56, 56, 57, 61, 62, 63, 64,
      65, 66, 67, 68, 69, 70, 78, 79, 80, 81, 82, 83, 166, 222, 222, 222, 215, 216, 223, 226, 227,
      232, 233, 276, 279, 291,
    ]
    let names = [
      "a", "b", "d", "d/e", "d/../a", "/tmp/t", "/dev/shm/s", "/dev/null", "/dev/zero", "/proc",
      "/proc/self/maps", "/proc/self", "/bin/prog", "l", ".", "..", "/", "", "a/", "none/x",
      "//d//", "/h/a", "/h/b", "/h/d", "/h/d/e", "/h/d/../a", "/h/l", "/h/out", "/h/out/x", "/h",
      "/r/a", "/r/d", "/r/new",
    ]
    let outside = try HostFolder()
    outside["x"] = [1]
    let (folder, shown) = (try HostFolder(), try HostFolder())
    folder.makeLink("out", to: outside.path)
    shown["a"] = [2]
    shown.makeDirectory("d")
    let mounts = [
      HostMount(
        try SystemHostDirectory(folder.path), at: [Array("h".utf8)], isWritable: true),
      HostMount(try SystemHostDirectory(shown.path), at: [Array("r".utf8)]),
    ]
    let bench = try Bench(ram: 8 << 20) {
      $0.diskBytes = 1 << 20
      $0.mounts = mounts
    }
    bench.prepareFiles()
    let area = bench.map(32)
    var steps = 0
    for step in 0..<2500 where bench.process.space != nil {
      if bench.process.files.descriptors.count > 200 {
        for fd in 3..<1024 as Range<UInt64> { bench.call(FileNumber.close, fd) }
      }
      let first = bench.path(pick(names))
      let second = bench.path(pick(names), second: true)
      let number = pick(calls)
      func argument(_ i: Int) -> UInt64 {
        switch random.next() % 8 {
        case 0: random.next() >> (random.next() & 63)
        case 1: pick([first, second])
        case 2: pick([~0, ~4095, 1 << 63, 1 << 62, (1 << 63) - 1, 1 << 47, 1 << 44, 1 << 31, 0x22])
        case 3: here
        case 4: Bench.bufferPages + random.next() % 65536
        case 5: area + random.next() % 32 * 4096
        default: pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 100, 4095, 4096, 4097, 20_000, 0x42, 0x8042])
        }
      }
      var arguments = (0..<6).map(argument)
      // Mostly the shape the call has.
      if random.next() % 4 != 0 {
        let isAtPath = [34, 35, 48, 53, 56, 78, 79, 276, 37, 291].contains(number)
        if isAtPath {
          arguments[0] = here
          arguments[1] = first
        }
        if number == 37 || number == 276 { (arguments[2], arguments[3]) = (here, second) }
        if number == 36 { arguments = [first, here, second, 0, 0, 0] }
        if number == 45 || number == 49 { arguments[0] = first }
        if number == 56 { arguments[2] = pick([0, 1, 2, 0x42, 0x42, 0x242, 0x442, 0x1_0000]) }
        if number == 222 {
          arguments = [
            pick([0, area + 16 * 4096]), pick([1, 4096, 40_000, 400_000]), pick([1, 3, 3]),
            pick([1, 1, 2, 0x21, 0x8001]), 3 + random.next() % 8, pick([0, 4096, 16384]),
          ]
          if arguments[0] != 0 { arguments[3] |= 0x10 }
        }
        if (23...25).contains(number) || (61...70).contains(number) || number == 223 {
          arguments[0] = 3 + random.next() % 8
        }
      }
      // What would take the test's own pages away aims at the area made for it.
      let isFixed = number == 222 && arguments[3] & 0x10_0010 != 0
      if [215, 216, 226, 233].contains(number) || isFixed {
        arguments[0] = area + random.next() % 16 * 4096
        arguments[1] %= 1 << 20
      }
      if number == 216 && arguments[3] & 2 != 0 { arguments[4] = area }
      steps = step
      for i in 0..<6 { bench.registers[10 + i] = arguments[i] }
      bench.registers[17] = number
      bench.trap(.environmentCall)
      if step % 5 == 0, bench.process.space != nil {
        // An access to some area, as long as it cannot kill.
        let areas = bench.space.allAreas.filter { $0.flags.contains(.shared) }
        if !areas.isEmpty {
          let chosen = pick(areas)
          let page = random.next() % chosen.pages
          let inode = bench.kernel.system.sources[Int(chosen.source)]?.inode
          if chosen.pageOffset + page < inode?.pageCount ?? 0 {
            let isWrite = chosen.permissions.contains(.write) && random.next() % 2 == 0
            if isWrite || chosen.permissions.contains(.read) {
              bench.touch(chosen.lower + page * 4096, isWrite ? .write : .read)
            }
          }
        }
      }
      if step % 50 == 0, let problem = bench.kernel.system.checkInvariants() {
        Issue.record("seed \(seed), step \(step), call \(number): \(problem)")
        break
      }
    }
    #expect(steps > 2000, "seed \(seed) ended after \(steps)")
    if let problem = bench.finish() { Issue.record("seed \(seed): \(problem)") }
    #expect(outside["x"] == [1] && outside.names == ["x"], "seed \(seed) reached the outside")
    #expect(
      shown["a"] == [2] && shown.names == ["a", "d"], "seed \(seed) changed what it may read")
  }
}

import Foundation
import TestSupport
import Testing

/// A program of Tests/Data/pressure, and its checksum for 400 pages as qemu-riscv64 7.2 gave it.
struct PressureProgram: CustomTestStringConvertible {
  var name: String
  var checksum: String

  static let all = [
    Self(name: "sequential", checksum: "6539483192640025399"),
    Self(name: "random", checksum: "6792235232520125536"),
    Self(name: "fork", checksum: "6826121918231221016"),
    Self(name: "shared_file", checksum: "4374262955454563555"),
    Self(name: "threads", checksum: "9365757534468813951"),
  ]

  var testDescription: String { name }

  /// Runs the program with the options given.
  func run(_ options: String) -> (status: Int32, output: String, error: String) {
    let file = repositoryRoot() + "/Tests/Data/pressure/\(name).s"
    return mmuemu(options.split(separator: " ").map(String.init) + [file, "400"])
  }
}

/// The number behind a key of a JSON report.
private func count(_ key: String, in report: String) -> Int? {
  report.range(of: "\"\(key)\": ").flatMap { range in
    Int(report[range.upperBound...].prefix { $0.isNumber })
  }
}

/// The numbers that a program of Programs/ prints, in order.
private func numbers(_ program: String, _ options: String) -> [Int] {
  let file = repositoryRoot() + "/Programs/\(program).s"
  let result = mmuemu(
    ["--quiet"] + options.split(separator: " ").map(String.init) + [file])
  #expect(result.status == 0, "\(program): \(result.output)\(result.error)")
  return result.output.split { !$0.isNumber }.compactMap { Int($0) }
}

@Suite struct `Programs under memory pressure` {
  static let policies = ["two-list", "fifo", "clock", "2q", "generations", "random"]
  /// A limit of 256 frames, and room for everything else.
  static let short = "--rss-limit 1M --swap 16M"

  @Test(arguments: PressureProgram.all)
  func `the checksum is that of another emulator`(program: PressureProgram) {
    let result = program.run("--quiet")
    #expect(result.output == program.checksum + "\n")
    #expect(result.status == 0, "\(result.error)")
  }

  @Test(arguments: policies)
  func `no policy loses a page`(policy: String) {
    for (number, program) in PressureProgram.all.enumerated() {
      let zswap = number % 2 == 0 ? "" : " --zswap 20%"
      let result = program.run(
        "--report json \(Self.short) --policy \(policy)\(zswap)")
      #expect(result.output == program.checksum + "\n", "\(program.name)")
      #expect(result.status == 0, "\(program.name): \(result.error)")
      #expect(program.name == "shared_file" || count("swapOut", in: result.error) ?? 0 > 0)
    }
  }

  @Test func `a transfer that fails costs the program its life or nothing`() {
    var deaths = 0
    var runs = 0
    for seed in 1...2 {
      for program in PressureProgram.all {
        let result = program.run("\(Self.short) --swap-errors 1000 --seed \(seed)")
        runs += 1
        if result.status == 128 + 7 {
          deaths += 1
          #expect(result.output == "")
          #expect(result.error.contains("SIGBUS"))
        } else {
          #expect(result.status == 0, "\(program.name), seed \(seed): \(result.error)")
          #expect(result.output == program.checksum + "\n", "\(program.name), seed \(seed)")
        }
      }
    }
    #expect(deaths > 0 && deaths < runs)
  }

  @Test func `a loop larger than memory misses always in order of use, not at random`() {
    let fifo = numbers("cyclic_scan", Self.short + " --policy fifo")
    let random = numbers("cyclic_scan", Self.short + " --policy random")
    #expect(fifo[2] >= 1360)
    #expect(random[2] < 680 && random[2] > 80)
  }

  @Test func `pages in use stay if the kernel sees it`() {
    let hot = "hot_pages"
    let fifo = numbers(hot, Self.short + " --policy fifo --set stlb=none")
    let lists = numbers(hot, Self.short + " --policy two-list --set stlb=none")
    let unseen = numbers(hot, Self.short + " --policy two-list")
    #expect(lists[3] < fifo[3] / 3)
    #expect(lists[3] < unseen[3] / 3)
  }

  @Test func `a working set costs nothing until it no longer fits`() {
    let faults = numbers("working_set", Self.short).suffix(6)
    #expect(faults.prefix(3).allSatisfy { $0 == 0 })
    #expect(faults.suffix(2).allSatisfy { $0 > 100 })
  }

  @Test func `two processes thrash that fit one by one`() {
    let faults = numbers("thrash", Self.short)
    #expect(faults[2] == 0)
    #expect(faults[3] > 200)
  }

  @Test func `locked pages stay, others go`() {
    #expect(numbers("mlock", Self.short) == [640, 16, 16, 0, 16])
  }

  @Test func `clean pages of a file go unwritten, dirty ones are written once`() {
    let seen = numbers("clean_dirty", Self.short)
    #expect(seen[1] == 0 && seen[3] == 0)
    #expect(seen[5] == 32)
  }

  @Test func `lazily freed pages go first, unwritten`() {
    #expect(numbers("lazy_free", Self.short) == [32, 0, 31])
  }

  @Test func `resident pages stay below their limit`() {
    let seen = numbers("rss_limit", Self.short)
    #expect(seen[1] <= 256 && seen[1] > 200)
  }

  @Test func `swapped pages come back in groups when fetched in order`() {
    let waits = numbers("swap_readahead", "--swap 16M")
    #expect(waits[1] > 0 && waits[1] < 128)
    #expect(waits[2] > waits[1])
    #expect(waits[3] == 0)
  }

  @Test func `what compresses stays in memory, what does not is written out`() {
    for (program, stored, incompressible) in [
      ("zswap_friendly", 128, 0), ("zswap_hostile", 0, 128),
    ] {
      let result = mmuemu(
        "--report", "json", "--swap", "16M", "--zswap", "20%",
        repositoryRoot() + "/Programs/\(program).s")
      #expect(result.status == 0)
      #expect(count("stored", in: result.error) == stored)
      #expect(count("loaded", in: result.error) == stored)
      #expect(count("incompressible", in: result.error) == incompressible)
    }
  }
}

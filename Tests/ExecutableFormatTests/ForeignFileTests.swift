import ExecutableFormat
import Foundation
import TestSupport
import Testing

/// A small C program built by GNU gcc 12 and ld, with line numbers in two versions of DWARF.
///
///     1  static long sys(long n,long a) { ... asm volatile("ecall" ...) ... }
///     2  int table[4] = {1, 2, 3, 4};
///     3  int sum(int *p, int n) {
///     4    int s = 0;
///     5    for (int i = 0; i < n; i++)
///     6      s += p[i];
///     7    return s;
///     8  }
///     9  void _start(void) {
///     10   sys(93, sum(table, 4));
///     11 }
@Suite struct `Files of other tools` {
  func bytes(_ version: Int) throws -> [UInt8] {
    let path = repositoryRoot() + "/Tests/Data/foreign-dwarf\(version).hex"
    let digits = try Array(String(contentsOfFile: path, encoding: .utf8).utf8.filter { $0 != 10 })
    func value(_ digit: UInt8) -> UInt8 { digit >= 97 ? digit - 87 : digit - 48 }
    return stride(from: 0, to: digits.count, by: 2).map {
      value(digits[$0]) << 4 | value(digits[$0 + 1])
    }
  }

  @Test(arguments: [4, 5])
  func `segments, symbols and lines are those that binutils show`(_ version: Int) throws {
    let image = try ELFImage(reading: bytes(version))
    #expect(image.entry == 0x10150)
    #expect(image.symbols.address(of: "table") == 0x11180)
    #expect(image.symbols.symbol(at: 0x10134)! == ("sum", 0x14))
    #expect(image.segments.map(\.permissions.description) == ["r-x", "rw-"])
    // objdump -dl
    let lines: [(UInt64, Int)] = [
      (0x10120, 5), (0x1012C, 5), (0x10130, 4), (0x10134, 6), (0x10138, 6), (0x1013C, 5),
      (0x10144, 5), (0x10148, 4), (0x1014C, 8), (0x10150, 9), (0x10158, 10),
    ]
    for (address, line) in lines {
      #expect(image.line(at: address)?.line == line, "\(String(address, radix: 16))")
      #expect(image.line(at: address)?.file.hasSuffix("f.c") == true)
    }
    #expect(image.line(at: 0x1011C) == nil)
    #expect(image.line(at: 0x11180) == nil)
  }

  @Test(arguments: [4, 5])
  func `damage anywhere in a foreign file never crashes the reader`(_ version: Int) throws {
    let good = try bytes(version)
    var state: UInt64 = 99
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<500 {
      var damaged = good
      for _ in 0..<1 + random(6) {
        damaged[random(damaged.count)] = [0, 1, 0x7F, 0x80, 0xFF, UInt8(random(256))][random(6)]
      }
      if random(4) == 0 { damaged.removeLast(random(damaged.count)) }
      guard let image = try? ELFImage(reading: damaged) else { continue }
      _ = image.line(at: image.entry)
      _ = image.symbols.symbol(at: image.entry)
    }
  }
}

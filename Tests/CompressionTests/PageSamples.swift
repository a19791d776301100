import Foundation
import TestSupport

/// How many pages of each kind: MMUEMU_PAGES, for long runs, or a few hundred.
let rounds = ProcessInfo.processInfo.environment["MMUEMU_PAGES"].flatMap { Int($0) } ?? 250

/// Pages of the kinds memory has.
enum PageSample: CaseIterable {
  case zero, random, text, pointers, code, counters, runs, mixed

  func page(_ random: inout Dice) -> [UInt8] {
    var page: [UInt8] = []
    func word(_ value: UInt64, _ count: Int) {
      for i in 0..<count { page.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * i))) }
    }
    switch self {
    case .zero: return [UInt8](repeating: 0, count: 4096)
    case .random: while page.count < 4096 { word(random.next(), 8) }
    case .text:
      let words = (0..<60).map { _ in (0..<2 + random.below(9)).map { _ in 97 + random.below(26) } }
      while page.count < 4096 {
        page += words[random.below(random.below(60) + 1)].map { UInt8($0) } + [32]
      }
    case .pointers:
      let heap = 0x7f00_0000_0000 | random.next() & 0xff_ffff_f000
      while page.count < 4096 {
        word(random.below(4) == 0 ? UInt64(random.below(64)) : heap &+ random.next() & 0xffff0, 8)
      }
    case .code:
      // Words of 32 bits that differ in registers and small immediates.
      let shapes = (0..<12).map { _ in UInt64(truncatingIfNeeded: random.next()) }
      while page.count < 4096 {
        word(shapes[random.below(12)] ^ UInt64(random.below(8)) << 7, 4)
      }
    case .counters:
      var value = random.next() >> 40
      while page.count < 4096 {
        word(value, 4)
        value += UInt64(random.below(3))
      }
    case .runs:
      while page.count < 4096 {
        page += [UInt8](repeating: UInt8(random.below(256)), count: 1 + random.below(400))
      }
    case .mixed:
      let kinds: [PageSample] = [.zero, .random, .text, .pointers, .code, .counters, .runs]
      while page.count < 4096 {
        page += kinds[random.below(7)].page(&random).prefix(1 + random.below(1500))
      }
    }
    return Array(page.prefix(4096))
  }
}

/// How many free pages reclaim is to keep, by the rules of Linux.
///
///     Watermarks(pages: 1 << 18)  // 1 GiB: min 1024, low 1286, high 1548
///
/// Below `low` the kernel begins to reclaim in the background, until `high` pages are free; what
/// falls below `min` has to reclaim itself before it goes on.
public struct Watermarks: Hashable, Sendable {
  /// Pages kept for those who must not wait.
  public let min: UInt64
  /// Free pages below which reclaim in the background begins.
  public let low: UInt64
  /// Free pages at which it ends.
  public let high: UInt64

  /// The watermarks of a machine with that many pages, none of them set by hand.
  ///
  /// `min` is Linux's min_free_kbytes: the root of 16 times the RAM, both in KiB, from 128 KiB to
  /// 256 MiB. The three lie apart by a quarter of it, or by a thousandth of all pages if that is more
  /// (a watermark_scale_factor of 10).
  public init(pages: UInt64) {
    let kibibytes = Swift.min(Swift.max(Self.root(of: pages * 4 * 16), 128), 262_144)
    min = kibibytes / 4
    let step = Swift.max(min / 4, pages / 1000)
    low = min + step
    high = min + 2 * step
  }

  /// The integer square root.
  private static func root(of number: UInt64) -> UInt64 {
    var root: UInt64 = 0
    for bit in (0..<32).reversed() {
      let larger = root | 1 << UInt64(bit)
      if larger * larger <= number { root = larger }
    }
    return root
  }
}

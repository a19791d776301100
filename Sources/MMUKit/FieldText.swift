import MMUMemory
import MMUPaging

/// Sizes in bytes as the command line spells them: a number with K, M or G (powers of 1024).
public enum ByteSize {
  /// Reads a size; nil if it is none or does not fit.
  public static func parse(_ text: some StringProtocol) -> UInt64? {
    guard let last = text.last else { return nil }
    let shift: UInt64
    switch last {
    case "K", "k": shift = 10
    case "M", "m": shift = 20
    case "G", "g": shift = 30
    default: shift = 0
    }
    guard let count = UInt64.plain(shift == 0 ? text[...] : text.dropLast()[...]) else {
      return nil
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
    return overflow ? nil : bytes
  }

  /// Writes a size with the largest unit that loses nothing.
  public static func print(_ bytes: UInt64) -> String {
    for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] as [(String, UInt64)] {
      if bytes != 0, bytes % (1 << shift) == 0 { return "\(bytes >> shift)\(unit)" }
    }
    return "\(bytes)"
  }
}

extension UInt64 {
  /// Reads decimal digits, or hexadecimal ones after 0x, and nothing else; `_` may group digits.
  static func plain(_ text: some StringProtocol) -> UInt64? {
    let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
    let digits = (isHexadecimal ? text.dropFirst(2)[...] : text[...]).filter { $0 != "_" }
    guard let first = digits.first, first != "+", first != "-" else { return nil }
    return UInt64(String(digits), radix: isHexadecimal ? 16 : 10)
  }
}

/// The text of TLB levels and caches: `4K+2M:1536/12:lru,1G:16/4:lru`, `none`.
///
/// Sizes that share an array are joined by `+`; then entries, ways (`full` or left out: one set) and
/// replacement (left out: lru).
enum GeometryText {
  static func print(_ arrays: [TLBArray]) -> String {
    if arrays.isEmpty { return "none" }
    return arrays.map { array in
      array.sizes.map(name).joined(separator: "+") + ":" + print(array.geometry)
    }.joined(separator: ",")
  }

  static func print(_ geometry: CacheGeometry?) -> String {
    guard let geometry else { return "none" }
    return "\(geometry.entries)/\(geometry.ways):\(geometry.replacement.rawValue)"
  }

  static func parseArrays(_ text: String) throws(ConfigurationError) -> [TLBArray] {
    if text == "none" { return [] }
    var arrays: [TLBArray] = []
    var seen: [PageSize] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let halves = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2 else { throw malformed(text) }
      var sizes: [PageSize] = []
      for word in halves[0].split(separator: "+", omittingEmptySubsequences: false) {
        guard let size = PageSize.allCases.first(where: { name($0) == word.uppercased() }) else {
          throw ConfigurationError("'\(word)' is no page size", help: "sizes: 4K, 2M, 1G")
        }
        guard !seen.contains(size) else {
          throw ConfigurationError("\(name(size)) is given two arrays in '\(text)'")
        }
        sizes.append(size)
        seen.append(size)
      }
      guard let geometry = try parseGeometry(String(halves[1])) else { throw malformed(text) }
      arrays.append(TLBArray(sizes, geometry))
    }
    return arrays
  }

  static func parseGeometry(_ text: String) throws(ConfigurationError) -> CacheGeometry? {
    if text == "none" { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let numbers = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, numbers.count <= 2 else { throw malformed(text) }
    let entries = try count(numbers[0])
    var geometry = CacheGeometry(entries: 1)
    geometry.entries = entries
    geometry.ways =
      numbers.count == 1 || numbers[1] == "full" ? entries : try count(numbers[1])
    if parts.count == 2 { geometry.replacement = try replacement(String(parts[1])) }
    return geometry
  }

  static func count(_ text: some StringProtocol) throws(ConfigurationError) -> Int {
    guard let value = UInt64.plain(text), value > 0, value <= UInt64(CacheGeometry.maximumEntries)
    else {
      throw ConfigurationError(
        "'\(text)' is no number of entries or ways (1 to \(CacheGeometry.maximumEntries))")
    }
    return Int(value)
  }

  static func replacement(_ text: String) throws(ConfigurationError) -> Replacement {
    guard let value = Replacement(rawValue: text) else {
      throw ConfigurationError(
        "'\(text)' is no replacement policy",
        help: "policies: " + Replacement.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
  }

  static func name(_ size: PageSize) -> String {
    switch size {
    case .size4K: "4K"
    case .size2M: "2M"
    case .size1G: "1G"
    }
  }

  private static func malformed(_ text: String) -> ConfigurationError {
    ConfigurationError(
      "'\(text)' is no geometry", help: "for example 4K:64/4:lru,2M:32/4 or 32/4:fifo or none")
  }
}

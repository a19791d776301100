import MMUAssembly

/// The areas of a process, from the text of /proc/PID/maps.
public struct MapsText {
  /// An area, in pages of 4 KiB.
  struct Area: Hashable {
    let firstPage: UInt64
    let pages: UInt64
    var endPage: UInt64 { firstPage + pages }
  }

  let areas: [Area]
  /// Areas of the kernel's half, which are left out: a process has no tables of its own for them.
  let skipped: Int

  /// Reads `START-END PERMISSIONS ...` lines; those of smaps after them, `Name: value`, are skipped.
  ///
  /// - Throws: all that is wrong with it.
  public init(_ bytes: [UInt8], name file: String) throws(LabFailure) {
    var areas: [Area] = []
    var skipped = 0
    var last: UInt64 = 0
    try LabScript(bytes, name: file).read(empty: "\(file) has no areas") {
      (line) throws(LabError) in
      let word = line.words[0]
      let ends = word.text.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count == 2, let start = Self.hex(ends[0]), let end = Self.hex(ends[1]) else {
        if word.text.hasSuffix(":"), line.words.count > 1, last > 0 { return }
        throw LabError(
          "'\(word.text)' is no range of addresses", word.place,
          help: "the text is that of /proc/PID/maps: 00400000-00452000 r-xp ...")
      }
      guard start < end, start % 4096 == 0, end % 4096 == 0 else {
        throw LabError("'\(word.text)' is no range of whole pages", word.place)
      }
      guard start >= last else {
        throw LabError(
          "'\(word.text)' begins before the area above it ends", word.place,
          help: "the areas of one process ascend; give one process at a time")
      }
      last = end
      if end > 1 << 47 {
        guard start >= UInt64.max << 47 else {
          throw LabError("'\(word.text)' is not canonical under 4 levels", word.place)
        }
        skipped += 1
      } else {
        areas.append(Area(firstPage: start >> 12, pages: (end - start) >> 12))
      }
    }
    self.areas = areas
    self.skipped = skipped
  }

  private static func hex(_ text: Substring) -> UInt64? {
    guard let first = text.first, first != "+" else { return nil }
    return UInt64(text, radix: 16)
  }
}

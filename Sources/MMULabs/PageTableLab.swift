/// The sizes of page tables of different shapes for one process, every page of its areas mapped.
///
///     let lab = PageTableLab(try MapsText(bytes, name: "maps"), ram: 1 << 30)
///     print(lab.text)
///
/// Addresses have 48 bits and pages 12 of them, so all shapes translate 36 bits; entries are 8 bytes.
public struct PageTableLab {
  private let maps: MapsText
  private let ram: UInt64

  /// Bytes of an entry of a table.
  private static var entryBytes: UInt64 { 8 }
  /// Bytes of an entry that names its page: page and process, frame and rights, next in the chain.
  private static var taggedEntryBytes: UInt64 { 24 }
  /// The bits of a page number.
  private static var pageBits: Int { 36 }

  /// A page table's shape and what it takes.
  struct Row: Hashable {
    let name: String
    let tables: UInt64
    let bytes: UInt64
    /// Entries a translation reads when nothing is cached.
    let reads: String
  }

  /// Compares shapes for a process on a machine with that much RAM, which the inverted table is for.
  public init(_ maps: MapsText, ram: UInt64) {
    self.maps = maps
    self.ram = ram
  }

  /// Pages mapped.
  var pages: UInt64 { maps.areas.reduce(0) { $0 + $1.pages } }

  /// Tables of a tree whose levels translate `widths` bits of a page number, the root's first.
  ///
  /// - Parameter largeShift: the page bits of a larger leaf, used where an area has whole such pages.
  func tree(_ name: String, _ widths: [Int], largeShift: Int = 0) -> Row {
    var tables: UInt64 = 0
    var bytes: UInt64 = 0
    var below = widths.reduce(0, +)
    for width in widths {
      // A table of this level covers 2^below pages, and there is one for each such run in use.
      var count: UInt64 = 0
      var next: UInt64 = 0
      for area in maps.areas {
        for run in Self.remainder(area, below <= largeShift ? largeShift : 0) {
          let first = max(next, run.lowerBound >> UInt64(below))
          let end = (run.upperBound - 1) >> UInt64(below) + 1
          if end > first {
            count += end - first
            next = end
          }
        }
      }
      // The root is there in any case.
      if below == Self.pageBits { count = 1 }
      tables += count
      bytes += count * Self.entryBytes << UInt64(width)
      below -= width
    }
    let reads = largeShift > 0 ? "\(widths.count - 1)-\(widths.count)" : "\(widths.count)"
    return Row(name: name, tables: tables, bytes: bytes, reads: reads)
  }

  /// The pages of an area that are in no whole page of 2^shift pages; with shift 0 all of them.
  private static func remainder(_ area: MapsText.Area, _ shift: Int) -> [Range<UInt64>] {
    let (first, end) = (area.firstPage, area.endPage)
    if shift == 0 { return [first..<end] }
    let mask: UInt64 = 1 << UInt64(shift) - 1
    let (low, high) = ((first + mask) & ~mask, end & ~mask)
    if low >= high { return [first..<end] }
    return [first..<low, high..<end].filter { !$0.isEmpty }
  }

  /// All shapes.
  var rows: [Row] {
    var rows = [
      tree("flat", [36]),
      tree("2 levels (18+18)", [18, 18]),
      tree("3 levels (12+12+12)", [12, 12, 12]),
      tree("4 levels (9+9+9+9)", [9, 9, 9, 9]),
      tree("4 levels, 2 MiB leaves", [9, 9, 9, 9], largeShift: 9),
    ]
    var buckets: UInt64 = 1
    while buckets < pages { buckets *= 2 }
    rows.append(
      Row(
        name: "hashed", tables: 1,
        bytes: buckets * Self.entryBytes + pages * Self.taggedEntryBytes,
        reads: "2 or more"))
    let frames = ram / 4096
    buckets = 1
    while buckets < frames { buckets *= 2 }
    rows.append(
      Row(
        name: "inverted, for all processes", tables: 1,
        bytes: buckets * Self.entryBytes + frames * Self.taggedEntryBytes, reads: "2 or more"))
    return rows
  }

  /// The comparison.
  public var text: String {
    var text =
      "\(maps.areas.count) areas, \(pages) pages of 4 KiB (\(LabNumber.words(pages << 12)))\n"
    if maps.skipped > 0 { text += "left out: \(maps.skipped) in the kernel's half\n" }
    var table = LabTable()
    table.add(["", "tables", "bytes", "", "bytes a page", "reads"])
    for row in rows {
      let tenths = pages == 0 ? nil : Self.tenths(row.bytes, pages)
      table.add([
        row.name, "\(row.tables)", "\(row.bytes)", LabNumber.words(row.bytes), tenths ?? "-",
        row.reads,
      ])
    }
    return text + table.text
  }

  private static func tenths(_ value: UInt64, _ divisor: UInt64) -> String {
    let tenths = value / divisor * 10 + value % divisor * 10 / divisor
    return "\(tenths / 10).\(tenths % 10)"
  }
}

/// Which source line each instruction comes from.
public struct LineTable: Sendable {
  /// From `address` on, up to the next row's address.
  public struct Row: Equatable, Sendable {
    /// The first address the row speaks of.
    public var address: UInt64
    /// Index into `files`, or -1: from here on nothing is known.
    public var file: Int32
    /// The line, from 1.
    public var line: Int32

    /// Joins the three.
    public init(address: UInt64, file: Int32, line: Int32) {
      self.address = address
      self.file = file
      self.line = line
    }
  }

  /// The names of the source files.
  public private(set) var files: [String]
  /// Sorted by address.
  public private(set) var rows: [Row]

  /// Takes files and rows; the rows may come in any order of sequences.
  public init(files: [String] = [], rows: [Row] = []) {
    self.files = files
    // A stable order: at one address, an end (file -1) before the start of the next sequence.
    self.rows = rows.enumerated().sorted {
      let (left, right) = ($0.element, $1.element)
      if left.address != right.address { return left.address < right.address }
      if (left.file < 0) != (right.file < 0) { return left.file < 0 }
      return $0.offset < $1.offset
    }.map(\.element)
  }

  /// The line of an instruction.
  public func line(at address: UInt64) -> (file: String, line: Int)? {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let row = rows[low - 1]
    guard row.file >= 0, Int(row.file) < files.count, row.line > 0 else { return nil }
    return (files[Int(row.file)], Int(row.line))
  }
}

import MMUMemory

// /proc: the files that can be written, /proc/sys/vm and oom_score_adj, with Linux's rules for what a
// number looks like.

extension Kernel {
  /// Writes to a file of /proc.
  ///
  /// - Returns: the bytes it took, and what is wrong with them: EINVAL or ERANGE for the number, ESRCH
  ///   if the process is gone.
  func writeReport(
    _ file: OpenFile, _ report: ProcessReport, _ address: UInt64, _ count: UInt64,
    at position: UInt64
  ) -> (UInt64, Errno?) {
    let isSetting = report.kind.place == .settings
    // A number is written by one write, from the start on: the rest of a longer one is ignored.
    if isSetting && position != 0 { return (count, nil) }
    let length = Int(min(count, isSetting ? 4095 : 12))
    if length == 0 && isSetting { return (0, nil) }
    if copyIn(address, length, to: buffer) != length { return (0, .badAddress) }
    let bytes = Array(UnsafeRawBufferPointer(start: buffer, count: length))
    var taken = UInt64(length)
    do throws(Errno) {
      if isSetting {
        taken = try change(report.kind, bytes)
      } else {
        guard let process = processTable[report.pid] else { throw .noProcess }
        let number = try SettingText.number(in: SettingText.stripped(bytes), allowsPlus: true)
        try setOutOfMemoryAdjustment(of: process, to: number)
      }
      file.text = try text(of: report)
      return (taken, nil)
    } catch {
      return (0, error)
    }
  }

  /// Changes a setting of /proc/sys/vm; the bytes used.
  private func change(_ kind: ProcessReport.Kind, _ bytes: [UInt8]) throws(Errno) -> UInt64 {
    guard let start = bytes.firstIndex(where: { !SettingText.isSpace($0) }) else { throw .invalid }
    let end = bytes[start...].firstIndex(where: SettingText.isSpace) ?? bytes.count
    let rest = bytes[end...].firstIndex { !SettingText.isSpace($0) } ?? bytes.count
    let number: Int64
    do {
      number = try SettingText.number(in: bytes[start..<end], allowsPlus: false)
    } catch { throw .invalid }
    guard let value = UInt64(exactly: number) else { throw .invalid }
    switch kind {
    case .overcommitMode:
      guard let mode = OvercommitMode(rawValue: value) else { throw .invalid }
      system.promises.mode = mode
    case .overcommitRatio: system.promises.ratio = value
    case .swappiness:
      if value > 200 { throw .invalid }
      system.swappiness = value
    case .pageCluster:
      if value > 31 { throw .invalid }
      system.pageCluster = value
    case .dropCaches:
      guard 1...4 ~= value else { throw .invalid }
      // 2 asks for names and inodes, which take no RAM here.
      if value & 1 != 0 { system.dropCleanPages() }
    default: preconditionFailure("\(kind) is no setting")
    }
    return UInt64(rest)
  }
}

extension OpenFile {
  /// A write leaves the position where it is.
  var keepsPosition: Bool {
    if case .report(let report)? = inode?.kind { report.kind.place == .process } else { false }
  }
}

extension Inode {
  /// Adds a file of /proc under its own name.
  func add(report: ProcessReport) {
    add(
      Array(report.kind.rawValue.utf8), Inode(volume, .report(report), mode: report.kind.mode))
  }
}

/// Numbers as the kernel reads them from text.
private enum SettingText {
  static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  /// Up to the first zero, without the white space at both ends.
  static func stripped(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    let text = bytes.prefix { $0 != 0 }.drop(while: isSpace)
    guard let last = text.lastIndex(where: { !isSpace($0) }) else { return [] }
    return text[...last]
  }

  /// A number of 32 bits: decimal, behind 0x hexadecimal, behind 0 octal.
  ///
  /// - Throws: EINVAL if it is none, ERANGE if it is too large.
  static func number(in text: ArraySlice<UInt8>, allowsPlus: Bool) throws(Errno) -> Int64 {
    var digits = text
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || allowsPlus && digits.first == UInt8(ascii: "+") { digits.removeFirst() }
    var radix = 10
    if digits.count > 1 && digits.first == UInt8(ascii: "0") {
      radix = 8
      digits.removeFirst()
      if digits.first.map({ $0 | 0x20 }) == UInt8(ascii: "x") {
        radix = 16
        digits.removeFirst()
      }
    }
    var value: Int64 = 0
    if digits.isEmpty { throw .invalid }
    var isTooLarge = false
    for byte in digits {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, digit < radix else {
        throw .invalid
      }
      if value <= 1 << 32 { value = value * Int64(radix) + Int64(digit) }
      isTooLarge = isTooLarge || value > (isNegative ? 1 << 31 : 1 << 31 - 1)
    }
    if isTooLarge { throw .outOfRange }
    return isNegative ? -value : value
  }
}

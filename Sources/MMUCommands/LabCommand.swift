import MMUAssembly
import MMULabs
import MMUMemory

/// What `lab` can show, by the word that calls it.
enum LabName: String, CaseIterable {
  case fit, buddy, segmentation, pagetable

  /// The options it takes.
  var options: [Option] {
    switch self {
    case .fit: [.strategy, .size]
    case .buddy: [.order]
    case .segmentation: [.strategy, .size, .compact, .pageSize]
    case .pagetable: [.ram]
    }
  }

  var summary: String {
    switch self {
    case .fit: "replay 'alloc NAME SIZE' and 'free NAME' on heaps with placement strategies"
    case .buddy: "replay 'alloc NAME ORDER' and 'free NAME' on the kernel's buddy allocator"
    case .segmentation: "processes under base and limit, and under paging, side by side"
    case .pagetable: "what page tables of different shapes take for the areas of /proc/PID/maps"
    }
  }

  /// The lines `help lab` adds.
  static var help: String {
    var text = "\nlabs:\n"
    for lab in allCases {
      text += HelpText.line(lab.rawValue, lab.summary, width: 16)
      text += HelpText.line("", lab.options.map(\.row.name).joined(separator: ", "), width: 16)
    }
    return text
  }
}

extension CommandCall {
  /// `lab NAME FILE`: a small machine of the textbooks.
  func lab(_ streams: Streams) throws(CommandFailure) -> Int32 {
    let words = try operands(1...2)
    guard let lab = LabName(rawValue: words[0]) else {
      let names = LabName.allCases.map(\.rawValue)
      throw .usage(
        "there is no lab '\(words[0])'",
        help: nearestName(to: words[0], among: names).map { "did you mean '\($0)'?" }
          ?? "labs: " + names.joined(separator: ", "))
    }
    guard words.count == 2 else {
      throw .usage("'lab \(lab.rawValue)' needs a file ('-': standard input)")
    }
    for (option, _) in options where !lab.options.contains(option) {
      throw .usage(
        "'\(option.row.name)' is no option of 'lab \(lab.rawValue)'",
        help: "its options: " + lab.options.map(\.row.name).joined(separator: ", "))
    }
    let path = words[1]
    let name = path == "-" ? "standard input" : path
    switch lab {
    case .fit:
      let size = try memorySize(or: nil)
      let strategies = try strategies(or: FitStrategy.allCases)
      let bytes = try text(path, streams)
      let script = try understand { () throws(LabFailure) in
        try FitScript(bytes, name: name)
      }
      streams.print(script.replay(size: size, strategies))
    case .buddy:
      let order = try number(of: .order, 0...BuddyScript.largestOrder)
      let bytes = try text(path, streams)
      let script = try understand { () throws(LabFailure) in
        try BuddyScript(bytes, name: name, maximumOrder: order)
      }
      streams.print(script.replay())
    case .segmentation:
      var lab = SegmentationLab(size: try memorySize(or: 1 << 20))
      let strategies = try strategies(or: [.first])
      if strategies.count > 1 { throw .usage("'lab segmentation' takes one strategy at a time") }
      lab.strategy = strategies[0]
      lab.compacts = has(.compact)
      lab.pageSize = try pageSize()
      let bytes = try text(path, streams)
      let script = try understand { () throws(LabFailure) in
        try SegmentationScript(bytes, name: name)
      }
      streams.print(lab.replay(script))
    case .pagetable:
      let ram = try size(of: .ram) ?? 1 << 30
      let bytes = try text(path, streams)
      let maps = try understand { () throws(LabFailure) in try MapsText(bytes, name: name) }
      streams.print(PageTableLab(maps, ram: ram).text)
    }
    return 0
  }

  /// Turns what is wrong with a text into this command's failure.
  private func understand<Value>(
    _ reader: () throws(LabFailure) -> Value
  ) throws(CommandFailure) -> Value {
    do throws(LabFailure) { return try reader() } catch {
      throw CommandFailure(.badInput, error.diagnostics)
    }
  }

  /// Reads a script.
  private func text(_ path: String, _ streams: Streams) throws(CommandFailure) -> [UInt8] {
    var bytes: [UInt8]
    if path == "-" {
      do { bytes = try streams.readAll() } catch { throw .noInput("standard input", error.text) }
    } else {
      bytes = try read(path)
    }
    guard Self.isText(bytes) else { throw .badInput(path, "the file is no text") }
    return bytes
  }

  private func memorySize(or standard: UInt64?) throws(CommandFailure) -> UInt64 {
    if let size = try size(of: .size) ?? standard { return size }
    throw .usage("'lab fit' needs the size of the memory", help: "--size 1000")
  }

  /// A size of 1 to 1 PiB.
  private func size(of option: Option) throws(CommandFailure) -> UInt64? {
    guard let text = value(of: option) else { return nil }
    guard let size = LabNumber.size(text), size > 0, size <= LabNumber.largest else {
      throw .usage("\(option.row.name) \(text): it is a number of bytes, with K, M or G")
    }
    return size
  }

  private func pageSize() throws(CommandFailure) -> UInt64 {
    let size = try size(of: .pageSize) ?? pageBytes
    guard size.nonzeroBitCount == 1 else {
      throw .usage("--page-size \(size): it is a power of two")
    }
    return size
  }

  private func number(
    of option: Option, _ range: ClosedRange<Int>
  ) throws(CommandFailure) -> Int {
    let name = option.row.name
    guard let text = value(of: option) else {
      throw .usage("'lab buddy' needs the order of the memory", help: "\(name) 4 are 16 pages")
    }
    guard let number = Int(text), range.contains(number) else {
      throw .usage("\(name) \(text): it is \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The strategies named, in that order.
  private func strategies(or standard: [FitStrategy]) throws(CommandFailure) -> [FitStrategy] {
    guard let text = value(of: .strategy) else { return standard }
    var result: [FitStrategy] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let strategy = FitStrategy(rawValue: String(word)) else {
        throw .usage(
          "--strategy \(text): '\(word)' is none of "
            + FitStrategy.allCases.map(\.rawValue).joined(separator: ", "))
      }
      if !result.contains(strategy) { result.append(strategy) }
    }
    return result
  }
}

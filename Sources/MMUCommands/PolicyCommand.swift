import MMUAssembly
import MMUMemory
import MMUPolicy
import MMUReporting

extension CommandCall {
  /// The most references of which every step is printed.
  private static var longestTrace: Int { 64 }

  /// `policy REFS`: replays page references under replacement policies.
  func policy(_ streams: Streams) throws(CommandFailure) -> Int32 {
    let path = try operands(1...1)[0]
    let sizes = try frameCounts()
    let policies = try policies()
    if sizes.isEmpty {
      guard has(.curve) else {
        throw .usage(
          "'policy' needs a number of frames", help: "--frames 3,4, or --curve for every size")
      }
      if has(.policy) {
        throw .usage(
          "--policy needs --frames", help: "--curve alone shows lru and opt at every size")
      }
    }
    let name = path == "-" ? "standard input" : path
    let string = try references(path, name, streams)
    streams.print(ReplayReport.heading(string, name: name))
    if !sizes.isEmpty {
      if sizes.count == 1, string.count <= Self.longestTrace {
        for (name, policy) in policies {
          let steps = policy.steps(string, frames: sizes[0])
          streams.print(
            "\n"
              + ReplayReport.trace(string, policy: name, frames: sizes[0], steps: steps))
        }
      }
      var rows: [ReplayReport.Row] = []
      for (name, policy) in policies {
        for frames in sizes {
          rows.append(
            ReplayReport.Row(
              policy: name, frames: frames, counts: policy.replay(string, frames: frames)))
        }
      }
      streams.print("\n" + ReplayReport.table(rows))
    }
    if has(.curve) {
      let text = ReplayReport.curve(lru: .lru(string), optimal: .optimal(string))
      streams.print("\n" + text)
    }
    return 0
  }

  /// Reads the reference string.
  private func references(
    _ path: String, _ name: String, _ streams: Streams
  ) throws(CommandFailure) -> ReferenceString {
    let bytes: [UInt8]
    if path == "-" {
      do { bytes = try streams.readAll() } catch { throw .noInput(name, error.text) }
    } else {
      bytes = try read(path)
    }
    do { return try ReferenceString(parsing: bytes) } catch {
      throw CommandFailure(
        .badInput,
        [
          Diagnostic(
            .error, error.message,
            at: .init(
              file: name, line: error.line, column: error.column, length: error.length,
              sourceLine: error.sourceLine), help: error.help)
        ])
    }
  }

  /// The numbers of `--frames`: `3`, `1,2,4`, `1-8`.
  private func frameCounts() throws(CommandFailure) -> [Int] {
    var sizes: [Int] = []
    for text in values(of: .frames).flatMap(Self.items) {
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends[0], let last = ends[ends.count - 1], ends.count <= 2,
        first >= 1, last >= first, last < 1 << 31
      else {
        throw .usage(
          "--frames: '\(text)' is no number of frames", help: "as in 3, 1,2,4 or 1-8")
      }
      guard sizes.count + last - first < 4096 else {
        throw .usage(
          "--frames: more than 4096 numbers", help: "--curve shows every size in one pass")
      }
      sizes += first...last
    }
    return sizes
  }

  /// The policies of `--policy`, each as it was written; all of them if none is named.
  private func policies() throws(CommandFailure) -> [(name: String, policy: ReplacementPolicy)] {
    var seed: UInt64 = 1
    if let text = value(of: .seed) {
      guard let number = UInt64(text) else {
        throw .usage("--seed \(text): it is a number below 2^64")
      }
      seed = number
    }
    let known = ReplacementPolicy.all.map(\.name)
    let names = has(.policy) ? values(of: .policy).flatMap(Self.items) : known
    var policies: [(name: String, policy: ReplacementPolicy)] = []
    for name in names {
      guard let policy = ReplacementPolicy(name, seed: seed) else {
        if name.hasPrefix("2q:") {
          throw .usage("--policy: '\(name)': it is 2q:KIN/KOUT", help: "as in 2q:2/4")
        }
        throw .usage(
          "--policy: there is no policy '\(name)'",
          help: nearestName(to: name, among: known).map { "did you mean '\($0)'?" }
            ?? "policies: " + known.joined(separator: ", "))
      }
      policies.append((name, policy))
    }
    return policies
  }

  private static func items(_ list: String) -> [String] {
    list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}

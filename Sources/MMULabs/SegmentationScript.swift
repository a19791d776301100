import MMUAssembly

/// A script of processes made of segments, for `SegmentationLab`.
///
/// Lines are `process NAME SEGMENT SIZE...`, `grow NAME SEGMENT SIZE`, `ref NAME SEGMENT OFFSET` and
/// `exit NAME`.
public struct SegmentationScript {
  /// A segment as a process asks for it.
  struct Request: Hashable {
    let name: String
    let size: UInt64
  }

  enum Step {
    case start(String, [Request])
    case grow(String, segment: Int, by: UInt64)
    case reference(String, segment: Int, offset: UInt64)
    case exit(String)
  }

  let steps: [(text: String, step: Step)]

  /// Segments a process can have.
  private static var mostSegments: Int { 256 }

  /// Reads a script.
  ///
  /// - Throws: all that is wrong with it.
  public init(_ bytes: [UInt8], name file: String) throws(LabFailure) {
    var steps: [(text: String, step: Step)] = []
    var live: [String: [String]] = [:]
    try LabScript(bytes, name: file).read(empty: "\(file) has no commands") {
      (line) throws(LabError) in
      switch line.words[0].text {
      case "process":
        let name = try line.word(1, "a name")
        if live[name.text] != nil {
          throw LabError("process '\(name.text)' runs already", name.place)
        }
        _ = try line.word(2, "a segment")
        var requests: [Request] = []
        var at = 2
        while at < line.words.count {
          let segment = line.words[at]
          let size = try line.word(at + 1, "a size").size()
          if requests.contains(where: { $0.name == segment.text }) {
            throw LabError("there is a segment '\(segment.text)' already", segment.place)
          }
          if requests.count == Self.mostSegments {
            throw LabError("a process has at most \(Self.mostSegments) segments", segment.place)
          }
          requests.append(Request(name: segment.text, size: size))
          at += 2
        }
        live[name.text] = requests.map(\.name)
        steps.append((line.text, .start(name.text, requests)))
      case "grow", "ref":
        let isGrowth = line.words[0].text == "grow"
        let (name, segments) = try Self.process(line, live)
        let segment = try line.word(2, "a segment")
        guard let index = segments.firstIndex(of: segment.text) else {
          throw LabError(
            "'\(name)' has no segment '\(segment.text)'", segment.place,
            help: "it has " + segments.joined(separator: ", "))
        }
        let word = try line.word(3, isGrowth ? "a size" : "an offset")
        try line.end(after: 4)
        if isGrowth {
          steps.append((line.text, .grow(name, segment: index, by: try word.size())))
          return
        }
        guard let offset = LabNumber.size(word.text), offset <= LabNumber.largest else {
          throw LabError("'\(word.text)' is no offset", word.place)
        }
        steps.append((line.text, .reference(name, segment: index, offset: offset)))
      case "exit":
        let (name, _) = try Self.process(line, live)
        try line.end(after: 2)
        live[name] = nil
        steps.append((line.text, .exit(name)))
      default: throw line.unknownCommand(among: ["process", "grow", "ref", "exit"])
      }
    }
    self.steps = steps
  }

  /// The process a line names, and its segments.
  private static func process(
    _ line: LabScript.Line, _ live: [String: [String]]
  ) throws(LabError) -> (String, [String]) {
    let name = try line.word(1, "a process")
    guard let segments = live[name.text] else {
      throw LabError("no process '\(name.text)' runs here", name.place)
    }
    return (name.text, segments)
  }
}

import MMUPolicy

/// A page-replacement case: what one algorithm makes of one reference string with so many frames.
package struct ReplacementCase {
  /// Names the case in messages.
  package let identifier: String
  private let string: ReferenceString
  private let policy: ReplacementPolicy
  private let frames: Int
  /// Faults, evictions and writebacks.
  private let counts: [(name: String, value: UInt64)]
  /// For each reference, whether it faults.
  private let faults: [Bool]
  private let victims: [UInt64]

  /// Reads all cases of a file: `references` by name, and `cases` that refer to them.
  package static func all(_ value: VectorValue) throws(VectorError) -> [ReplacementCase] {
    guard case .object(let members) = try value.required("references") else {
      throw VectorError("\"references\" is not an object")
    }
    var strings: [String: ReferenceString] = [:]
    for member in members { strings[member.name] = try string(member) }
    var cases: [ReplacementCase] = []
    for element in try value.elements("cases") {
      let name = try element.text("reference")
      guard let string = strings[name] else {
        throw VectorError("there is no reference string \"\(name)\"")
      }
      cases.append(try ReplacementCase(element, name, string))
    }
    if cases.isEmpty { throw VectorError("there is no case in \"cases\"") }
    return cases
  }

  private static func string(_ member: VectorMember) throws(VectorError) -> ReferenceString {
    var pages: [UInt64] = []
    for element in try member.value.elements("pages") {
      guard let page = element.word, page < PageName.limit else {
        throw VectorError("\"\(member.name)\": a page number is a number below 2^52")
      }
      pages.append(page)
    }
    let letters = Array(try member.value.text("rw").utf8)
    guard letters.count == pages.count, letters.allSatisfy({ $0 == 0x52 || $0 == 0x57 }) else {
      throw VectorError("\"\(member.name)\": \"rw\" is one R or W for each page")
    }
    return ReferenceString(pages: pages, writes: letters.map { $0 == 0x57 })
  }

  private init(
    _ value: VectorValue, _ name: String, _ string: ReferenceString
  ) throws(VectorError) {
    self.string = string
    let policyName = try value.text("policy")
    let number = try value.word("frames")
    guard let frames = Int(exactly: number), frames > 0 else {
      throw VectorError("\(number) frames")
    }
    self.frames = frames
    var identifier = "\(name)/\(policyName)"
    if policyName == "2q" {
      let kin = Int(clamping: try value.word("kin"))
      let kout = Int(clamping: try value.word("kout"))
      policy = .twoQueue(kin: kin, kout: kout)
      identifier += ":\(kin)/\(kout)"
    } else {
      guard let policy = ReplacementPolicy(policyName) else {
        throw VectorError("there is no replacement policy \"\(policyName)\"")
      }
      self.policy = policy
    }
    self.identifier = identifier + ", \(frames) frame\(frames == 1 ? "" : "s")"
    var counts: [(String, UInt64)] = []
    for name in ["faults", "evictions", "writebacks"] {
      counts.append((name, try value.word(name)))
    }
    self.counts = counts
    let trace = Array(try value.text("trace").utf8)
    guard trace.count == string.count, trace.allSatisfy({ $0 == 0x48 || $0 == 0x4d }) else {
      throw VectorError("\(self.identifier): \"trace\" is one H or M for each reference")
    }
    faults = trace.map { $0 == 0x4d }
    var victims: [UInt64] = []
    for victim in try value.elements("victims") {
      guard let page = victim.word else { throw VectorError("a victim is a page number") }
      victims.append(page)
    }
    self.victims = victims
  }

  /// Replays the string, counting only and step by step; what differs, in words.
  package func check() -> [String] {
    var found: [String] = []
    let result = policy.replay(string, frames: frames)
    let steps = policy.steps(string, frames: frames)
    for (time, step) in steps.enumerated() where step.isFault != faults[time] {
      let expected = faults[time] ? "a fault" : "a hit"
      found.append(
        "reference \(time + 1), to page \(string.name(at: time).page): expected \(expected), "
          + "got \(step.isFault ? "a fault" : "a hit")")
      break
    }
    let actual = steps.compactMap { step in step.victim.map { string.names[$0].page } }
    if let wrong = zip(victims, actual).enumerated().first(where: { $1.0 != $1.1 }) {
      found.append(
        "victim \(wrong.offset + 1): expected page \(wrong.element.0), got \(wrong.element.1)")
    } else if victims.count != actual.count {
      found.append("\(actual.count) victims, expected \(victims.count)")
    }
    let counted = [result.faults, result.evictions, result.writebacks]
    for (expected, got) in zip(counts, counted) where expected.value != UInt64(got) {
      found.append("\(got) \(expected.name), expected \(expected.value)")
    }
    return found
  }
}

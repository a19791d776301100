public import MMUKit

/// The report for scripts: schema 1, keys in a fixed order, exact integers.
public enum JSONReport {
  /// Renders a run.
  ///
  /// - Parameter hostNanoseconds: how long the host took; nil leaves the key out.
  public static func render(
    _ result: RunResult, of run: RunDescription, hostNanoseconds: UInt64? = nil
  ) -> String {
    let s = result.statistics
    var json = JSONWriter()
    json.open("{")
    json.member("schema", number: 1)
    json.member("program", string: run.program)
    json.member("arguments", strings: run.arguments)
    json.member("rerun", string: run.rerunCommand)
    json.open("{", key: "exit")
    json.member("status", number: UInt64(UInt32(bitPattern: s.exit.status)))
    if let signal = s.exit.signal {
      json.member("signal", number: UInt64(signal))
      json.member("signalName", string: signalName(signal))
    } else {
      json.member("signal", raw: "null")
    }
    json.member("reason", string: s.exit.reason.rawValue)
    json.close("}")
    configuration(run, &json)
    counters(s, &json)
    json.open("[", key: "processes")
    for process in s.processes {
      json.open("{")
      json.member("pid", number: process.pid)
      json.member("name", string: process.name)
      json.member("instructions", number: process.instructions)
      json.member("cycles", number: process.cycles)
      json.member("userCycles", number: process.userCycles)
      json.member("systemCycles", number: process.systemCycles)
      json.member("minorFaults", number: process.minorFaults)
      json.member("majorFaults", number: process.majorFaults)
      json.member("maxResidentPages", number: process.maxResidentPages)
      json.member("sharedPages", number: process.sharedPages)
      if let pages = process.workingSetPages { json.member("workingSetPages", number: pages) }
      json.member("status", number: UInt64(UInt32(bitPattern: process.status)))
      json.close("}")
    }
    json.close("]")
    json.member("messages", strings: result.messages)
    if let nanoseconds = hostNanoseconds {
      json.open("{", key: "host")
      json.member("nanoseconds", number: nanoseconds)
      json.close("}")
    }
    json.close("}")
    return json.text + "\n"
  }

  private static func configuration(_ run: RunDescription, _ json: inout JSONWriter) {
    json.open("{", key: "configuration")
    json.member("preset", string: run.configuration.preset)
    for field in ConfigurationField.all {
      switch field.value?(run.configuration) {
      case .number(let value): json.member(field.name, number: value)
      case .flag(let value): json.member(field.name, raw: value ? "true" : "false")
      case .text(let value): json.member(field.name, string: value)
      case FieldValue.none?: json.member(field.name, raw: "null")
      case nil: break
      }
    }
    json.member("environment", strings: run.configuration.environment)
    json.member(
      "directories", strings: run.configuration.directories.map { "\($0.option) \($0.text)" })
    json.member("includeFolders", strings: run.includeFolders)
    json.member("symbols", strings: run.symbols)
    json.close("}")
  }

  /// Writes the counters, opening and closing objects as the paths of their keys go.
  private static func counters(_ statistics: Statistics, _ json: inout JSONWriter) {
    var open: [Substring] = []
    for counter in ReportCounter.all {
      guard let value = counter.value(statistics) else { continue }
      let path = counter.key.split(separator: ".")
      let folders = path.dropLast()
      while !folders.starts(with: open) {
        json.close("}")
        open.removeLast()
      }
      for folder in folders.dropFirst(open.count) {
        json.open("{", key: String(folder))
        open.append(folder)
      }
      json.member(String(path[path.count - 1]), number: value)
      if counter.key == "memory.freePages" {
        json.member("freeBlocks", numbers: statistics.memory.freeBlocks)
      }
    }
    for _ in open { json.close("}") }
  }
}

/// Writes JSON with two blanks of indentation a level.
struct JSONWriter {
  private(set) var text = ""
  private var counts: [Int] = []

  private mutating func begin(_ key: String?) {
    if !counts.isEmpty {
      text += counts[counts.count - 1] == 0 ? "\n" : ",\n"
      counts[counts.count - 1] += 1
      text += String(repeating: "  ", count: counts.count)
    }
    if let key { text += Self.quoted(key) + ": " }
  }

  mutating func open(_ bracket: String, key: String? = nil) {
    begin(key)
    text += bracket
    counts.append(0)
  }

  mutating func close(_ bracket: String) {
    if counts.removeLast() > 0 {
      text += "\n" + String(repeating: "  ", count: counts.count)
    }
    text += bracket
  }

  mutating func member(_ key: String, raw: String) {
    begin(key)
    text += raw
  }

  mutating func member(_ key: String, number: UInt64) { member(key, raw: "\(number)") }

  mutating func member(_ key: String, numbers: [UInt64]) {
    member(key, raw: "[" + numbers.map(String.init).joined(separator: ", ") + "]")
  }

  mutating func member(_ key: String, string: String) { member(key, raw: Self.quoted(string)) }

  mutating func member(_ key: String, strings: [String]) {
    member(key, raw: "[" + strings.map(Self.quoted).joined(separator: ", ") + "]")
  }

  static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7F {
          let digits = String(scalar.value, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    return text + "\""
  }
}

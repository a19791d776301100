/// How an argument is shown.
struct ArgumentForm: Sendable {
  /// The text of an argument; nil leaves it out.
  typealias Text = @Sendable (SystemCallTrace, UInt64) -> String?

  let text: Text
  /// It shows what the call writes, so only once that is complete.
  var isResult = false
  /// It may be left out.
  var isOptional = false

  init(_ text: @escaping Text, isResult: Bool = false, isOptional: Bool = false) {
    self.text = text
    self.isResult = isResult
    self.isOptional = isOptional
  }
}

// MARK: Numbers and names

extension ArgumentForm {
  /// int.
  static let int = ArgumentForm { _, value in String(Int32(truncatingIfNeeded: value)) }
  /// unsigned int.
  static let unsignedInt = ArgumentForm { _, value in String(UInt32(truncatingIfNeeded: value)) }
  /// long.
  static let signed = ArgumentForm { _, value in SystemCallTrace.signed(value) }
  /// unsigned long.
  static let unsigned = ArgumentForm { _, value in String(value) }
  /// An address.
  static let pointer = ArgumentForm { _, value in SystemCallTrace.pointer(value) }
  /// An address the call may write to, which is not followed.
  static let resultPointer = pointer.afterwards
  /// A word in hex.
  static let word = ArgumentForm { _, value in SystemCallTrace.word(value) }
  /// A directory descriptor: AT_FDCWD or a number.
  static let directory = ArgumentForm { _, value in
    let number = Int32(truncatingIfNeeded: value)
    return number == -100 ? "AT_FDCWD" : String(number)
  }
  /// The bits of a file's mode.
  static let mode = ArgumentForm { _, value in SystemCallTrace.octal(value & 0xffff) }
  /// A signal.
  static let signal = ArgumentForm { _, value in
    SystemCallTrace.signal(Int32(truncatingIfNeeded: value))
  }

  /// One of some names.
  static func name(_ table: NameTable) -> ArgumentForm {
    ArgumentForm { _, value in table.name(value & 0xffff_ffff) }
  }

  /// Or-ed bits of an int with names.
  static func flags(_ table: NameTable) -> ArgumentForm {
    ArgumentForm { _, value in table.flags(value & 0xffff_ffff) }
  }

  /// Or-ed bits of a long with names.
  static func longFlags(_ table: NameTable) -> ArgumentForm {
    ArgumentForm { _, value in table.flags(value) }
  }

  /// The same, shown once the call is complete.
  var afterwards: ArgumentForm { ArgumentForm(text, isResult: true, isOptional: isOptional) }
}

// MARK: Memory

extension ArgumentForm {
  /// A structure the call reads: its text, or its address if it cannot be had.
  static func input(
    _ show: @escaping @Sendable (SystemCallTrace, UInt64) -> String?
  ) -> ArgumentForm {
    ArgumentForm { call, address in
      address == 0 ? "NULL" : show(call, address) ?? SystemCallTrace.pointer(address)
    }
  }

  /// A structure the call writes: its text, or its address if the call failed.
  static func output(
    _ show: @escaping @Sendable (SystemCallTrace, UInt64) -> String?
  ) -> ArgumentForm {
    ArgumentForm(
      { call, address in
        if address == 0 { return "NULL" }
        return (call.isError ? nil : show(call, address)) ?? SystemCallTrace.pointer(address)
      }, isResult: true)
  }

  /// A path, whole.
  static let path = input { call, address in
    call.string(address, limit: 4095).map {
      SystemCallTrace.quoted($0.bytes) + ($0.isWhole ? "" : "...")
    }
  }
  /// A string, its first 32 bytes.
  static let string = input { call, address in call.shortString(address) }
  /// A string the call writes, whole; getcwd's.
  static let resultPath = output { call, address in
    call.string(address, limit: 4095).map { SystemCallTrace.quoted($0.bytes) }
  }

  /// Bytes the call reads; another argument is their number.
  static func bytes(count: Int) -> ArgumentForm {
    input { call, address in call.shortBytes(address, call.arguments[count]) }
  }

  /// Bytes the call has written; its result is their number.
  static let resultBytes = output { call, address in
    call.shortBytes(address, call.result ?? 0)
  }
  /// Random bytes, all in hex.
  static let randomBytes = output { call, address in
    let count = call.result ?? 0
    return call.bytes(address, Int(min(count, 32))).map { bytes in
      let digits = bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      return "\"" + digits.joined() + "\"" + (count > 32 ? "..." : "")
    }
  }
  /// An int the call writes: `[5]`.
  static let resultInt = output { call, address in
    call.words(address, 1, of: Int32.self).map { "[\($0[0])]" }
  }
  /// Two descriptors the call makes: `[3, 4]`.
  static let resultPair = output { call, address in
    call.words(address, 2, of: Int32.self).map { "[\($0[0]), \($0[1])]" }
  }
  /// argv: `["a", "b"]`.
  static let argumentList = input { call, address in call.strings(address) }
  /// envp: `0x7ffe7f /* 2 vars */`.
  static let environment = ArgumentForm { call, address in
    if address == 0 { return "NULL" }
    guard let count = call.pointerCount(address) else { return hex(address) }
    return "\(hex(address)) /* \(count) var\(count == 1 ? "" : "s") */"
  }
}

// MARK: Text

extension SystemCallTrace {
  static func signed(_ value: UInt64) -> String { String(Int64(bitPattern: value)) }
  /// C's `%#lx`.
  static func word(_ value: UInt64) -> String { value == 0 ? "0" : hex(value) }
  static func pointer(_ value: UInt64) -> String { value == 0 ? "NULL" : hex(value) }

  /// At least three digits, the first a zero.
  static func octal(_ value: UInt64) -> String {
    let digits = "0" + String(value, radix: 8)
    return String(repeating: "0", count: max(0, 3 - digits.count)) + digits
  }

  /// `SIGINT`, `SIGRT_2`, or the number.
  static func signal(_ number: Int32) -> String {
    guard let signal = Signal(rawValue: number) else { return String(number) }
    return number < 32 ? signal.name : number == 32 ? "SIGRTMIN" : "SIGRT_\(number - 32)"
  }

  /// At most 32 bytes.
  func shortBytes(_ address: UInt64, _ count: UInt64) -> String? {
    if count == 0 { return "\"\"" }
    return bytes(address, Int(min(count, 32))).map {
      Self.quoted($0) + (count > 32 ? "..." : "")
    }
  }

  /// At most 32 bytes of a string.
  func shortString(_ address: UInt64) -> String? {
    string(address, limit: 32).map { Self.quoted($0.bytes) + ($0.isWhole ? "" : "...") }
  }

  /// At most 32 strings of a list that ends with a null pointer.
  func strings(_ address: UInt64) -> String? {
    var shown: [String] = []
    var at = address
    while let pointer = words(at, 1, of: UInt64.self)?[0] {
      if pointer == 0 { return "[" + shown.joined(separator: ", ") + "]" }
      if shown.count == 32 { return "[" + shown.joined(separator: ", ") + ", ...]" }
      shown.append(shortString(pointer) ?? hex(pointer))
      at &+= 8
    }
    return shown.isEmpty ? nil : "[" + shown.joined(separator: ", ") + ", ... /* \(hex(at)) */]"
  }

  /// The pointers in a list before its end; nil if there is none, or more than any execve takes.
  func pointerCount(_ address: UInt64) -> Int? {
    var count = 0
    while let pointer = words(address &+ UInt64(count) * 8, 1, of: UInt64.self)?[0] {
      if pointer == 0 { return count }
      count += 1
      if count > 1 << 20 { return nil }
    }
    return nil
  }

  /// A string in C's quotes, bytes that do not print in octal.
  static func quoted(_ bytes: [UInt8]) -> String {
    var text = "\""
    for (i, byte) in bytes.enumerated() {
      switch byte {
      case 9: text += "\\t"
      case 10: text += "\\n"
      case 11: text += "\\v"
      case 12: text += "\\f"
      case 13: text += "\\r"
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case 32..<127: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        // Three digits where the next byte is a digit too.
        let next = i + 1 < bytes.count ? bytes[i + 1] : 0
        let digits = String(byte, radix: 8)
        let isDigit = next >= UInt8(ascii: "0") && next <= UInt8(ascii: "9")
        text += "\\" + (isDigit ? String(repeating: "0", count: 3 - digits.count) : "") + digits
      }
    }
    return text + "\""
  }
}

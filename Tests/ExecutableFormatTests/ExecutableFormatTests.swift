import ExecutableFormat
import Testing

/// A two-segment program: nine instructions' worth of text and a page of zeros behind some data.
func sample() -> ELFFile {
  var file = ELFFile(entry: 0x10100)
  let text = [UInt8](repeating: 0x13, count: 36)
  file.segments = [
    .init(
      permissions: [.read, .execute], fileOffset: 0, address: 0x10000, fileSize: 0x124,
      memorySize: 0x124),
    .init(
      permissions: [.read, .write], fileOffset: 0x124, address: 0x11124, fileSize: 4,
      memorySize: 0x1004),
  ]
  let table = LineTable(
    files: ["main.s", "sub/inc.s"],
    rows: [
      .init(address: 0x10100, file: 0, line: 10), .init(address: 0x10104, file: 1, line: 2),
      .init(address: 0x10108, file: 0, line: 200), .init(address: 0x10124, file: -1, line: 0),
    ])
  let debug = table.debugSections(name: "main.s", producer: "test")
  file.sections = [
    .init(name: ".text", flags: 6, address: 0x10100, fileOffset: 0x100, contents: text),
    .init(name: ".data", flags: 3, address: 0x11124, fileOffset: 0x124, contents: [1, 2, 3, 4]),
    .init(
      name: ".bss", type: ELFFile.Section.noBits, flags: 3, address: 0x11128, contents: [],
      size: 0x1000),
    .init(name: ".debug_line", contents: debug.line),
    .init(name: ".debug_info", contents: debug.info),
    .init(name: ".debug_abbrev", contents: debug.abbreviations),
  ]
  file.symbols = [
    .init(name: "_start", value: 0x10100, binding: 1, section: 0),
    .init(name: "loop", value: 0x10108, section: 0),
    .init(name: "word", value: 0x11124, size: 4, type: 1, section: 1),
    .init(name: "SIZE", value: 42, section: nil),
  ]
  return file
}

@Suite struct `ELF files` {
  @Test func `what is written is read back`() throws {
    let image = try ELFImage(reading: sample().serialized())
    #expect(image.entry == 0x10100)
    #expect(image.segments.map(\.permissions.description) == ["r-x", "rw-"])
    #expect(image.segments[1].memorySize == 0x1004)
    #expect(Array(image.contents(of: image.segments[1])) == [1, 2, 3, 4])
    #expect(image.programHeaderAddress == 0x10040)
    #expect(image.programHeaderCount == 3)
    #expect(!image.executableStack)
    #expect(image.symbols.address(of: "loop") == 0x10108)
    #expect(image.symbols.address(of: "SIZE") == nil)
    #expect(image.symbols.symbol(at: 0x10104)! == ("_start", 4))
    #expect(image.symbols.symbol(at: 0x10120)! == ("loop", 0x18))
    #expect(image.symbols.symbol(at: 0x11126)! == ("word", 2))
    #expect(image.symbols.symbol(at: 0x11128) == nil)
    #expect(image.symbols.symbol(at: 0x100FC) == nil)
    #expect(image.line(at: 0x10100)! == ("main.s", 10))
    #expect(image.line(at: 0x10106)! == ("sub/inc.s", 2))
    #expect(image.line(at: 0x10120)! == ("main.s", 200))
    #expect(image.line(at: 0x10124) == nil)
  }

  @Test func `each kind of unsuitable file is refused by name`() {
    func refusal(_ change: (inout [UInt8]) -> Void) -> ELFError? {
      var bytes = sample().serialized()
      change(&bytes)
      do {
        _ = try ELFImage(reading: bytes)
        return nil
      } catch { return error }
    }
    #expect(refusal { $0 = [] } == .notELF)
    #expect(refusal { $0[0] = 0 } == .notELF)
    #expect(refusal { $0[4] = 1 } == .not64Bit)
    #expect(refusal { $0[5] = 2 } == .unsupportedEncoding)
    #expect(refusal { $0[18] = 62 } == .wrongMachine(62))
    #expect(refusal { $0[16] = 1 } == .relocatable)
    #expect(refusal { $0[16] = 3 } == .positionIndependent)
    #expect(refusal { $0[16] = 4 } == .unsupportedType(4))
    #expect(refusal { $0[48] = 1 } == .compressedInstructions)
    #expect(refusal { $0[48] = 4 } == .floatABI("double"))
    #expect(refusal { $0[48] = 8 } == .reducedRegisters)
    #expect(refusal { $0[56] = 0 } == .noSegments)
    #expect(refusal { $0[33] = 0xFF } == .outOfFile(what: "program headers"))
    #expect(refusal { $0[24] = 2 } == .entryMisaligned(0x10102))
    #expect(refusal { $0[26] = 2 } == .entryNotExecutable(0x20100))
    #expect(refusal { $0[64 + 4] = 4 } == .entryNotExecutable(0x10100))
    #expect(refusal { $0[64 + 32 + 2] = 1 } == .segmentFileLargerThanMemory(index: 0))
    #expect(refusal { $0[64 + 40 + 2] = 1 } == .segmentsOverlap(0, 1))
    #expect(refusal { $0[64 + 56 + 8] = 0x25 } == .segmentMisaligned(index: 1))
    #expect(
      refusal { $0[64 + 56 + 16 + 6] = 0x80 }
        == .segmentOutOfRange(index: 1, address: 0x80_0000_0001_1124))
  }

  @Test func `no damage crashes the reader`() {
    let good = sample().serialized()
    var accepted = 0
    func read(_ bytes: [UInt8]) {
      guard let image = try? ELFImage(reading: bytes) else { return }
      accepted += 1
      _ = image.symbols.symbol(at: 0x10110)
      _ = image.line(at: 0x10110)
      for segment in image.segments { _ = image.contents(of: segment).count }
    }
    for count in stride(from: 0, to: good.count, by: 3) { read(Array(good.prefix(count))) }
    var state: UInt64 = 42
    func random() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for _ in 0..<1500 {
      var bytes = good
      for _ in 0...random() % 4 {
        bytes[random() % bytes.count] =
          [0, 1, 0x7F, 0x80, 0xFF, UInt8(random() & 255)][random() % 6]
      }
      read(bytes)
    }
    #expect(accepted > 100)
  }
}

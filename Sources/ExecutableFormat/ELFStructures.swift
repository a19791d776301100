// The records of "ELF-64 Object File Format" (System V gABI, chapters 4 and 5), each field once.

/// Walks the fields of a record in file order, reading or writing them.
protocol FieldCoder {
  mutating func byte(_ value: inout UInt8)
  mutating func half(_ value: inout UInt16)
  mutating func word(_ value: inout UInt32)
  mutating func long(_ value: inout UInt64)
}

protocol ELFRecord {
  static var size: Int { get }
  init()
  mutating func code(_ coder: inout some FieldCoder)
}

extension ELFRecord {
  /// Reads the record at `offset`; the caller has checked that it lies inside `bytes`.
  init(_ bytes: [UInt8], at offset: Int) {
    var decoder = FieldDecoder(bytes: bytes, position: offset)
    self.init()
    code(&decoder)
  }

  func append(to bytes: inout [UInt8]) {
    var encoder = FieldEncoder(bytes: [])
    var copy = self
    copy.code(&encoder)
    bytes += encoder.bytes
  }
}

struct ELFHeader: ELFRecord {
  static let size = 64
  static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]

  var identification: [UInt8] = magic + [2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
  var type: UInt16 = 2
  var machine: UInt16 = 243
  var version: UInt32 = 1
  var entry: UInt64 = 0
  var programHeaderOffset: UInt64 = 0
  var sectionHeaderOffset: UInt64 = 0
  var flags: UInt32 = 0
  var headerSize: UInt16 = 64
  var programHeaderSize: UInt16 = 56
  var programHeaderCount: UInt16 = 0
  var sectionHeaderSize: UInt16 = 64
  var sectionHeaderCount: UInt16 = 0
  var sectionNameIndex: UInt16 = 0

  mutating func code(_ coder: inout some FieldCoder) {
    for index in 0..<16 { coder.byte(&identification[index]) }
    coder.half(&type)
    coder.half(&machine)
    coder.word(&version)
    coder.long(&entry)
    coder.long(&programHeaderOffset)
    coder.long(&sectionHeaderOffset)
    coder.word(&flags)
    coder.half(&headerSize)
    coder.half(&programHeaderSize)
    coder.half(&programHeaderCount)
    coder.half(&sectionHeaderSize)
    coder.half(&sectionHeaderCount)
    coder.half(&sectionNameIndex)
  }
}

struct ELFProgramHeader: ELFRecord {
  static let size = 56

  var type: UInt32 = 0
  var flags: UInt32 = 0
  var offset: UInt64 = 0
  var virtualAddress: UInt64 = 0
  var physicalAddress: UInt64 = 0
  var fileSize: UInt64 = 0
  var memorySize: UInt64 = 0
  var alignment: UInt64 = 0

  mutating func code(_ coder: inout some FieldCoder) {
    coder.word(&type)
    coder.word(&flags)
    coder.long(&offset)
    coder.long(&virtualAddress)
    coder.long(&physicalAddress)
    coder.long(&fileSize)
    coder.long(&memorySize)
    coder.long(&alignment)
  }
}

struct ELFSectionHeader: ELFRecord {
  static let size = 64

  var name: UInt32 = 0
  var type: UInt32 = 0
  var flags: UInt64 = 0
  var address: UInt64 = 0
  var offset: UInt64 = 0
  var length: UInt64 = 0
  var link: UInt32 = 0
  var info: UInt32 = 0
  var alignment: UInt64 = 0
  var entrySize: UInt64 = 0

  mutating func code(_ coder: inout some FieldCoder) {
    coder.word(&name)
    coder.word(&type)
    coder.long(&flags)
    coder.long(&address)
    coder.long(&offset)
    coder.long(&length)
    coder.word(&link)
    coder.word(&info)
    coder.long(&alignment)
    coder.long(&entrySize)
  }
}

struct ELFSymbol: ELFRecord {
  static let size = 24

  var name: UInt32 = 0
  var info: UInt8 = 0
  var other: UInt8 = 0
  var section: UInt16 = 0
  var value: UInt64 = 0
  var length: UInt64 = 0

  mutating func code(_ coder: inout some FieldCoder) {
    coder.word(&name)
    coder.byte(&info)
    coder.byte(&other)
    coder.half(&section)
    coder.long(&value)
    coder.long(&length)
  }
}

/// Numbers of the two specifications that more than one file here needs.
enum ELFConstant {
  static let segmentLoad: UInt32 = 1
  static let segmentDynamic: UInt32 = 2
  static let segmentInterpreter: UInt32 = 3
  static let segmentProgramHeaders: UInt32 = 6
  static let segmentGNUStack: UInt32 = 0x6474_E551
  static let sectionSymbols: UInt32 = 2
  static let sectionStrings: UInt32 = 3
  static let sectionNoBits: UInt32 = 8
  static let sectionIsExecutable: UInt64 = 1 << 2
  static let sectionIsCompressed: UInt64 = 1 << 11
  static let machineRISCV: UInt16 = 243
  /// RISC-V ELF psABI, "File Header": e_flags.
  static let flagCompressed: UInt32 = 1 << 0
  static let flagFloatABI: UInt32 = 3 << 1
  static let flagReducedRegisters: UInt32 = 1 << 3
}

struct FieldDecoder: FieldCoder {
  let bytes: [UInt8]
  var position: Int

  private mutating func take<T: FixedWidthInteger>(_ value: inout T) {
    var result: T = 0
    for index in 0..<MemoryLayout<T>.size {
      result |= T(truncatingIfNeeded: bytes[position + index]) << T(truncatingIfNeeded: index * 8)
    }
    value = result
    position += MemoryLayout<T>.size
  }

  mutating func byte(_ value: inout UInt8) { take(&value) }
  mutating func half(_ value: inout UInt16) { take(&value) }
  mutating func word(_ value: inout UInt32) { take(&value) }
  mutating func long(_ value: inout UInt64) { take(&value) }
}

struct FieldEncoder: FieldCoder {
  var bytes: [UInt8]

  private mutating func put<T: FixedWidthInteger>(_ value: T) {
    for index in 0..<MemoryLayout<T>.size {
      bytes.append(UInt8(truncatingIfNeeded: value >> T(truncatingIfNeeded: index * 8)))
    }
  }

  mutating func byte(_ value: inout UInt8) { put(value) }
  mutating func half(_ value: inout UInt16) { put(value) }
  mutating func word(_ value: inout UInt32) { put(value) }
  mutating func long(_ value: inout UInt64) { put(value) }
}

/// Why a file is no program we can run; each case reads as a sentence and says how to do better.
public enum ELFError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Fewer bytes than a header, or no magic number.
  case notELF
  /// A file beyond `ELFImage.maximumFileSize`.
  case tooLarge(bytes: Int)
  /// ELF32.
  case not64Bit
  /// Big-endian, or of an unknown version.
  case unsupportedEncoding
  /// Built for another processor.
  case wrongMachine(UInt16)
  /// A relocatable object file.
  case relocatable
  /// A position-independent executable or a shared object.
  case positionIndependent
  /// A type that is neither of the above nor an executable.
  case unsupportedType(UInt16)
  /// Asks for a dynamic linker.
  case dynamicallyLinked(interpreter: String)
  /// Compressed instructions (extension C).
  case compressedInstructions
  /// An ABI that passes floating-point values in registers (F, D or Q).
  case floatABI(String)
  /// RV64E: sixteen registers.
  case reducedRegisters
  /// A table or a segment's contents lie beyond the end of the file.
  case outOfFile(what: String)
  /// A record size other than the specification's.
  case badRecordSize(what: String, size: Int)
  /// Nothing to load.
  case noSegments
  /// More program headers than Linux accepts (64 KiB of them).
  case tooManySegments(Int)
  /// A segment holds more bytes in the file than in memory.
  case segmentFileLargerThanMemory(index: Int)
  /// A segment outside the user half of the address space.
  case segmentOutOfRange(index: Int, address: UInt64)
  /// File offset and address differ within a page.
  case segmentMisaligned(index: Int)
  /// Two segments claim the same bytes.
  case segmentsOverlap(Int, Int)
  /// The entry point is in no executable segment.
  case entryNotExecutable(UInt64)
  /// The entry point is not a multiple of four.
  case entryMisaligned(UInt64)

  private static let howToBuild =
    "build with -march=rv64ima -mabi=lp64 -static (and libraries built so)"

  /// The sentence.
  public var description: String {
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    switch self {
    case .notELF: return "not an ELF file"
    case .tooLarge(let bytes):
      return "the file has \(bytes) bytes; the limit is \(ELFImage.maximumFileSize)"
    case .not64Bit: return "a 32-bit ELF file; build for RV64: -march=rv64ima -mabi=lp64"
    case .unsupportedEncoding: return "not a little-endian ELF file of version 1"
    case .wrongMachine(let machine):
      let known: [UInt16: String] = [3: "x86", 62: "x86-64", 40: "Arm", 183: "AArch64", 8: "MIPS"]
      let name = known[machine].map { " (\($0))" } ?? ""
      return "built for ELF machine \(machine)\(name), not for RISC-V (243)"
    case .relocatable: return "a relocatable object file; link it first: ld -static -o prog prog.o"
    case .positionIndependent:
      return "a position-independent executable or shared object; link with -static -no-pie"
    case .unsupportedType(let type): return "ELF type \(type) is no executable (2)"
    case .dynamicallyLinked(let interpreter):
      return "dynamically linked (needs \(interpreter)); link with -static"
    case .compressedInstructions:
      return "uses compressed instructions (extension C); \(Self.howToBuild)"
    case .floatABI(let name):
      return "uses the \(name) floating-point ABI (extensions F and D); \(Self.howToBuild)"
    case .reducedRegisters: return "built for RV64E (sixteen registers); \(Self.howToBuild)"
    case .outOfFile(let what): return "damaged ELF file: \(what) beyond the end of the file"
    case .badRecordSize(let what, let size):
      return "damaged ELF file: \(what) entries of \(size) bytes"
    case .noSegments: return "no segment to load (no PT_LOAD program header)"
    case .tooManySegments(let count): return "\(count) program headers; the limit is 1170 (64 KiB)"
    case .segmentFileLargerThanMemory(let index):
      return "damaged ELF file: segment \(index) is larger in the file than in memory"
    case .segmentOutOfRange(let index, let address):
      return "segment \(index) at \(hex(address)) leaves the user half of the address space"
    case .segmentMisaligned(let index):
      return
        "segment \(index): file offset and address differ modulo the page size (4096), so it cannot be mapped"
    case .segmentsOverlap(let first, let second): return "segments \(first) and \(second) overlap"
    case .entryNotExecutable(let address):
      return "the entry point \(hex(address)) is in no executable segment; define _start in .text"
    case .entryMisaligned(let address):
      return "the entry point \(hex(address)) is not a multiple of four"
    }
  }
}

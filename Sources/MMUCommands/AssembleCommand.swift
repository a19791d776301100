import ExecutableFormat
import MMUAssembly
import MMUMemory
import RISCV

extension CommandCall {
  /// `asm FILE -o OUT`.
  func assemble(_ streams: Streams) throws(CommandFailure) -> Int32 {
    let path = try operands(1...1)[0]
    guard let output = value(of: .output) else {
      throw .usage("'asm' needs an output file: asm \(path) -o OUT")
    }
    let source = try read(path)
    if ELFImage.isELF(source) {
      throw .badInput(path, "this is an ELF file already", help: "'asm' takes assembly source")
    }
    if Platform.isSameFile(path, output) {
      throw .usage("the output '\(output)' is the source itself")
    }
    let result = try assembly(source, path)
    if sources.paths.contains(where: { Platform.isSameFile(output, $0) }) {
      throw .usage("the output '\(output)' is included by the source")
    }
    streams.report(result.warnings)
    do {
      try Platform.writeFile(output, result.bytes, isExecutable: true)
    } catch {
      throw .noInput(output, "cannot be written: \(error.text)")
    }
    return 0
  }

  /// `disasm FILE`: in the manner of `objdump -d`.
  func disassemble(_ streams: Streams) throws(CommandFailure) -> Int32 {
    let program = try program(try operands(1...1)[0])
    streams.report(program.warnings)
    let image = program.image
    var text = ""
    for range in image.codeRanges {
      let name = range.name.isEmpty ? "" : " of section \(range.name)"
      text += (text.isEmpty ? "" : "\n") + "instructions\(name):\n"
      var offset = 0
      while offset < range.fileRange.count {
        let address = range.address &+ UInt64(offset)
        let label = image.symbols.symbol(at: address)
        if let label, label.offset == 0 {
          text += "\n\(padded(address, 16, "0")) <\(label.name)>:\n"
        }
        let start = range.fileRange.lowerBound + offset
        let left = range.fileRange.count - offset
        if left >= 4 {
          let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(image.bytes[start + $1]) << (8 * $1) }
          let words = RISCV.disassemble(decode(word), at: address) { target in
            image.symbols.symbol(at: target).map {
              $0.offset == 0 ? $0.name : "\($0.name)+0x\(String($0.offset, radix: 16))"
            }
          }
          text += "\(padded(address, 8, " ")):\t\(padded(UInt64(word), 8, "0"))\t\(words)\n"
        } else {
          for i in 0..<left {
            let byte = UInt64(image.bytes[start + i])
            text +=
              "\(padded(address &+ UInt64(i), 8, " ")):\t\(padded(byte, 2, "0"))\t.byte\t0x"
              + "\(padded(byte, 2, "0"))\n"
          }
        }
        offset += 4
        if text.utf8.count > 1 << 16 {
          guard streams.print(text) else { return 0 }
          text = " "
          text.removeAll(keepingCapacity: true)
        }
      }
    }
    streams.print(text)
    return 0
  }

  private func padded(_ value: UInt64, _ width: Int, _ fill: String) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: fill, count: max(0, width - digits.utf8.count)) + digits
  }
}

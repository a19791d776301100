import Foundation
import MMUAssembly
import MMUKit
import TestSupport
import Testing

@Suite struct CProgramTests {
  /// words.s is what gcc -O2 -S makes of Programs/lib/lib.c and words.c, behind crt.s.
  @Test func `a C program with the library of Programs runs as gcc compiled it`() throws {
    let path = repositoryRoot() + "/Tests/Data/execution/words.s"
    let source = try Data(contentsOf: URL(fileURLWithPath: path))
    let assembled = try Assembler.assemble(source: [UInt8](source), name: "words.s").get()
    let host = MemoryHostIO()
    let machine = try Machine(
      program: try ELFImage(reading: assembled.bytes), path: "words", arguments: ["one", "two"],
      host: host)
    let result = machine.run()
    #expect(result.exit.status == 7)
    #expect(result.messages == [])
    let expected = """
      22 words, 9 distinct, 2 arguments
        1: one
        2: two
      left    |   right|-0042|beef|c|   -7|
      freed memory is used again: yes

      """
    #expect(String(decoding: host.output, as: UTF8.self) == expected)
  }
}

import ExecutableFormat
import MMUAssembly
import Testing

@Suite struct `Layout` {
  func image(_ source: String, change: (inout AssemblyOptions) -> Void = { _ in }) throws
    -> ELFImage
  {
    try ELFImage(reading: assemble(source, change: change).get().bytes)
  }

  @Test func `each kind of rights has a page-aligned segment, and the first covers the headers`()
    throws
  {
    let image = try image(
      """
      _start: nop
      .section .rodata
      .word 1
      .section .patch, "awx"
      nop
      .data
      .word 2
      .bss
      .space 10000
      """)
    #expect(image.segments.map(\.permissions.description) == ["r-x", "r--", "rwx", "rw-"])
    #expect(image.segments[0].virtualAddress == 0x10000)
    #expect(image.segments.allSatisfy { $0.virtualAddress % 4096 == 0 })
    #expect(image.segments[3].memorySize == 10004)
    #expect(image.segments[3].fileRange.count == 4)
    #expect(image.programHeaderAddress == 0x10040)
    #expect(image.entry == 0x10000 + 64 + 5 * 56)
  }

  @Test func `the linker's symbols stand where ld puts them`() throws {
    let source = """
      _start: la a0, _end
      la gp, __global_pointer$
      .data
      d: .dword _etext, _edata, __bss_start, _end, __ehdr_start, _end - _start, edata
      .section .sdata, "aw"
      s: .dword 5
      .bss
      b: .space 20
      """
    let image = try image(source)
    let data = image.segments[1]
    let contents = Array(image.contents(of: data))
    let words = (0..<7).map { index in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(contents[index * 8 + $1]) << UInt64($1 * 8) }
    }
    let start = data.virtualAddress
    #expect(words[0] == image.entry + 16)
    #expect(words[1] == start + 64)
    #expect(words[2] == start + 64)
    #expect(words[3] == start + 88)
    #expect(words[4] == 0x10000)
    #expect(words[5] == start + 88 - image.entry)
    #expect(words[6] == words[1])
    #expect(image.symbols.address(of: "b") == start + 64)
  }

  @Test func `symbols and lines survive, macros counting as their call`() throws {
    let source = """
      .macro twice
      nop
      nop
      .endm
      _start: nop
      twice
      helper: .rept 2
      nop
      add a0, a0, a0
      .endr
      .type helper, @function
      .size helper, . - helper
      """
    let image = try image(source)
    let start = image.entry
    #expect(image.symbols.address(of: "helper") == start + 12)
    #expect(image.symbols.symbol(at: start + 16)! == ("helper", 4))
    let lines = (0..<7).map { image.line(at: start + UInt64($0 * 4))?.line }
    #expect(lines == [5, 6, 6, 8, 9, 8, 9])
    #expect(image.line(at: start)?.file == "test.s")
    #expect(image.line(at: start + 28) == nil)
  }

  @Test func `.loc replaces our own lines`() throws {
    let image = try image(
      """
      .file 1 "dir" "x.c"
      _start: .loc 1 7 3
      nop
      nop
      .loc 1 9
      nop
      """)
    #expect(image.line(at: image.entry + 4)! == ("dir/x.c", 7))
    #expect(image.line(at: image.entry + 8)! == ("dir/x.c", 9))
  }

  @Test func `a far branch becomes an inverted branch over a jump, a near one stays`() throws {
    func size(_ gap: Int) throws -> Int {
      let source = "_start: beq a0, a1, far\n.space \(gap)\nfar: nop\n"
      return loadedSections(try assemble(source).get().bytes)[0].size - gap
    }
    #expect(try size(4088) == 8)
    #expect(try size(4092) == 12)
  }

  @Test func `branches that push one another out of range all grow`() throws {
    // Each is near only as long as the others stay short.
    let source =
      "_start:\n" + (0..<600).map { "beq a0, a1, l\($0)\n" }.joined()
      + ".space 1700\n" + (0..<600).map { "l\($0): nop\n" }.joined()
    let text = loadedSections(try assemble(source).get().bytes)[0].bytes!
    // Branch i reaches from 4i to 2400 + 1700 + 4i: 4100 is beyond 4094 for all of them.
    #expect(text.count == 600 * 8 + 1700 + 600 * 4)
  }

  @Test func `--defsym decides .ifdef and values`() throws {
    let source = """
      .ifndef N
      .equ N, 5
      .endif
      _start: li a0, N
      """
    let five = loadedSections(try assemble(source).get().bytes)[0].bytes
    #expect(five == [0x13, 0x05, 0x50, 0x00])
    let nine = try assemble(source) { $0.definitions = [("N", 9)] }.get()
    #expect(loadedSections(nine.bytes)[0].bytes == [0x13, 0x05, 0x90, 0x00])
  }

  @Test func `includes are found as given, on the path, and beside the including file`() throws {
    let files = [
      "a.inc": "nop\n.include \"b.inc\"\n", "lib/b.inc": "nop\n.include \"c.inc\"\n",
      "lib/c.inc": "nop\n",
    ]
    let result = try assemble("_start:\n.include \"a.inc\"\n", files: files) {
      $0.includePaths = ["lib"]
    }.get()
    #expect(loadedSections(result.bytes)[0].size == 12)
    let beside = try assemble("_start:\n.include \"lib/b.inc\"\n", files: files).get()
    #expect(loadedSections(beside.bytes)[0].size == 8)
  }

  @Test func `the same source gives the same bytes`() throws {
    let source = try testData("assembly-directives.s")
    #expect(try assemble(source).get().bytes == assemble(source).get().bytes)
  }

  @Test func `weak symbols that nobody defines are zero`() throws {
    let source = ".weak w\n_start: nop\n.data\n.dword w\n"
    #expect(
      loadedSections(try assemble(source).get().bytes)[1].bytes == [UInt8](repeating: 0, count: 8))
  }
}

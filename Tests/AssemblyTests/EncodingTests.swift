import Foundation
import MMUAssembly
import TestSupport
import Testing

@Suite struct `Encodings agree with GNU as` {
  @Test func `every instruction and pseudo-instruction, line by line`() throws {
    let lines = try testData("assembly-instructions.txt").split(separator: "\n")
      .filter { !$0.hasPrefix("#") }.map {
        $0.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
      }
    #expect(lines.count > 800)
    let source =
      ".option norelax\n" + lines.map { String($0[1]) }.joined(separator: "\n")
      + "\n.data\n.balign 8\nvalue: .dword 1,2,3\n"
    let result = try assemble(source).get()
    let text = loadedSections(result.bytes)[0].bytes!
    var wrong: [String] = []
    var offset = 0
    for line in lines {
      let expected = bytes(hex: line[0])
      let ours = Array(text[min(offset, text.count)..<min(offset + expected.count, text.count)])
      if ours != expected { wrong.append("\(line[1]): \(ours), recorded \(expected)") }
      offset += expected.count
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    #expect(offset == text.count)
  }

  @Test(arguments: ["directives", "gcc-o0", "gcc-o2", "gcc-os", "gcc-far"])
  func `whole files give the recorded sections`(_ name: String) throws {
    let recorded = try testData("assembly-\(name).sections").split(separator: "\n")
      .map { recordedSection($0) }
    let result = try assemble(testData("assembly-\(name).s")).get()
    #expect(differences(loadedSections(result.bytes), recorded) == [])
  }

  @Test func `the benchmark programs give the recorded sections`() throws {
    let root = repositoryRoot() + "/Programs/bench/"
    var cases: [(name: String, definitions: [Substring], sections: [SectionBytes])] = []
    for line in try testData("assembly-bench.txt").split(separator: "\n") where line.first != "#" {
      if line.hasPrefix("program ") {
        let words = line.split(separator: " ")
        cases.append((String(words[1]), Array(words.dropFirst(2)), []))
      } else {
        cases[cases.count - 1].sections.append(recordedSection(line))
      }
    }
    #expect(cases.count == 16)
    for test in cases {
      var options = AssemblyOptions(readFile: { path in
        FileManager.default.contents(atPath: path).map { Array($0) }
      })
      for definition in test.definitions {
        let parts = definition.split(separator: "=")
        options.definitions.append((String(parts[0]), Int64(parts[1])!))
      }
      let path = root + test.name + ".s"
      let source = try #require(FileManager.default.contents(atPath: path))
      let result = try Assembler.assemble(source: Array(source), name: path, options: options).get()
      #expect(differences(loadedSections(result.bytes), test.sections) == [], "\(test.name)")
    }
  }

  @Test func `every program of the repository assembles without a warning`() throws {
    let folder = repositoryRoot() + "/Programs/"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".s") }.sorted()
    for name in names {
      let options = AssemblyOptions(readFile: { path in
        FileManager.default.contents(atPath: path).map { Array($0) }
      })
      let source = try #require(FileManager.default.contents(atPath: folder + name))
      let result = try Assembler.assemble(
        source: Array(source), name: folder + name, options: options
      ).get()
      #expect(result.warnings.isEmpty, "\(name)")
    }
  }
}

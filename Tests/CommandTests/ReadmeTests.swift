import Foundation
import TestSupport
import Testing

@testable import MMUCommands

/// The README's blocks, taken apart.
enum Readme {
  /// A command of a console block and what it prints.
  struct Command {
    var words: String
    var output: String
  }

  static let text = contents(repositoryRoot() + "/README.md")

  /// The content of every block in the given language.
  static func blocks(_ language: String) -> [String] {
    text.components(separatedBy: "\n```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "\n```")[0] + "\n"
    }
  }

  static var commands: [Command] {
    var found: [Command] = []
    for block in blocks("console") {
      for line in block.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
        if line.hasPrefix("$ ") {
          found.append(Command(words: String(line.dropFirst(2)), output: ""))
        } else if !found.isEmpty {
          found[found.count - 1].output += line + "\n"
        }
      }
    }
    return found
  }
}

@Suite struct `The README` {
  init() { _ = FileManager.default.changeCurrentDirectoryPath(repositoryRoot()) }

  @Test func `shows what the commands print`() {
    var count = 0
    for command in Readme.commands where command.words.hasPrefix("mmuemu ") {
      let streams = Streams.captured()
      let words = command.words.split(separator: " ").dropFirst().map(String.init)
      _ = Commands.main(words, streams: streams)
      let printed = String(decoding: streams.capturedBoth, as: UTF8.self)
      #expect(printed == command.output, "\(command.words)")
      count += 1
    }
    #expect(count >= 4)
  }

  @Test func `begins with the two commands that do everything`() {
    let commands = Readme.commands.prefix(2).map(\.words)
    #expect(commands == ["swift run -c release mmuemu Programs/sieve.s", "swift test"])
  }

  @Test func `shows a handler that is under test`() {
    let source = contents(repositoryRoot() + "/Tests/KernelTests/OwnHandlerTests.swift")
    let blocks = Readme.blocks("swift")
    #expect(!blocks.isEmpty)
    for block in blocks {
      #expect(source.contains(block), "not in OwnHandlerTests.swift:\n\(block)")
    }
  }
}

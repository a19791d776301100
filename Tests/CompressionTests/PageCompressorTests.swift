import Testing
import TestSupport

@testable import MMUCompression

@Suite struct PageCompressorTests {
  /// A page through the compressor and back; the compressed size, nil if it does not fit the limit.
  private func roundTrip(
    _ page: [UInt8], _ compressor: borrowing PageCompressor,
    limit: Int = PageCompressor.defaultLimit
  ) -> Int? {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = page.withUnsafeBytes { page in
      buffer.withUnsafeMutableBytes { compressor.compress(page.baseAddress!, into: $0) }
    }
    guard let count else { return nil }
    var back = [UInt8](repeating: 0xa5, count: 4096)
    let isPage = buffer[..<count].withUnsafeBytes { source in
      back.withUnsafeMutableBytes { PageCompressor.decompress(source, into: $0.baseAddress!) }
    }
    if !isPage || back != page { Issue.record("a page does not come back") }
    return count
  }

  @Test(arguments: PageSample.allCases)
  func `pages of every kind come back`(kind: PageSample) {
    let compressor = PageCompressor()
    var random = Dice(71)
    for _ in 0..<rounds {
      let page = kind.page(&random)
      let count = roundTrip(page, compressor)
      switch kind {
      case .random: #expect(count == nil)
      case .zero: #expect(count ?? 4096 < 40)
      case .text, .runs: #expect(count != nil)
      case .pointers, .code, .counters, .mixed: break
      }
    }
  }

  @Test func `a page of one repeated word is told from all others`() {
    var random = Dice(9)
    for word in [0, 1, .max, random.next(), 0x2020_2020_2020_2020] as [UInt64] {
      var page = [UInt64](repeating: word, count: 512)
      #expect(page.withUnsafeBytes { PageCompressor.repeatedWord(of: $0.baseAddress!) } == word)
      var filled = [UInt64](repeating: ~word, count: 512)
      filled.withUnsafeMutableBytes { PageCompressor.fill($0.baseAddress!, with: word) }
      #expect(filled == page)
      for place in 0..<512 {
        page[place] ^= 1 << UInt64(place % 64)
        #expect(page.withUnsafeBytes { PageCompressor.repeatedWord(of: $0.baseAddress!) } == nil)
        page[place] = word
      }
    }
  }

  @Test func `a block that makes less or more than a page is refused`() throws {
    let encoder = LZ4Encoder()
    for count in [4095, 4096, 4097] {
      let bytes = [UInt8](repeating: 7, count: count)
      var block = [UInt8](repeating: 0, count: 100)
      let size = try #require(
        bytes.withUnsafeBytes { source in
          block.withUnsafeMutableBytes {
            encoder.encode(source.baseAddress!, count, into: $0.baseAddress!, 100)
          }
        })
      var page = [UInt8](repeating: 0, count: 4096)
      let isPage = block[..<size].withUnsafeBytes { source in
        page.withUnsafeMutableBytes { PageCompressor.decompress(source, into: $0.baseAddress!) }
      }
      #expect(isPage == (count == 4096))
    }
    #expect(!PageCompressor.decompress(UnsafeRawBufferPointer(start: nil, count: 0), into: scratch))
  }

  private let scratch = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
}

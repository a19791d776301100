/// Makes pages of 4096 bytes small, as a compressed swap does.
///
///     let compressor = PageCompressor()
///     if let word = PageCompressor.repeatedWord(of: page) { keep(word) }
///     else if let count = compressor.compress(page, into: buffer) { keep(buffer[..<count]) }
///     else { writeOut(page) }
///
/// The compressed form is one block of the LZ4 block format; any decoder of that format reads it.
public struct PageCompressor: ~Copyable {
  /// Bytes in a page.
  public static var pageBytes: Int { 4096 }
  /// What a page may take and still be worth keeping, three quarters of it.
  public static var defaultLimit: Int { 3072 }

  private let encoder = LZ4Encoder()

  /// Makes a compressor, with 4 KiB of working memory.
  public init() {}

  /// The word of 8 bytes that fills the page, if one does; such a page needs no room at all.
  public static func repeatedWord(of page: UnsafeRawPointer) -> UInt64? {
    let first = page.loadUnaligned(as: UInt64.self)
    // The last word tells most pages apart that begin with zeros.
    if page.loadUnaligned(fromByteOffset: pageBytes - 8, as: UInt64.self) != first { return nil }
    let wanted = SIMD8<UInt64>(repeating: first)
    var at = 0
    while at < pageBytes {
      let words = page.loadUnaligned(fromByteOffset: at, as: SIMD8<UInt64>.self)
      if words != wanted { return nil }
      at &+= 64
    }
    return first
  }

  /// Fills a page with a word.
  public static func fill(_ page: UnsafeMutableRawPointer, with word: UInt64) {
    let words = SIMD8<UInt64>(repeating: word)
    var at = 0
    while at < pageBytes {
      page.storeBytes(of: words, toByteOffset: at, as: SIMD8<UInt64>.self)
      at &+= 64
    }
  }

  /// Compresses a page.
  ///
  /// - Returns: the bytes written; nil if the page does not fit `target`.
  public func compress(
    _ page: UnsafeRawPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    guard let base = target.baseAddress else { return nil }
    return encoder.encode(page, Self.pageBytes, into: base, target.count)
  }

  /// Brings a page back.
  ///
  /// - Parameters:
  ///   - source: what `compress` wrote, or anything else: it is safe to read damaged bytes.
  ///   - page: where the page goes; its content is undefined if the result is false.
  /// - Returns: whether the bytes are a block that makes exactly one page.
  public static func decompress(
    _ source: UnsafeRawBufferPointer, into page: UnsafeMutableRawPointer
  ) -> Bool {
    guard let base = source.baseAddress else { return false }
    return LZ4Decoder.decode(base, source.count, into: page, pageBytes) == pageBytes
  }
}

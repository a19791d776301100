import MMUCompression
import MMUMemory

/// Pages of four kinds, a quarter each: zero, pointer-like, text, random.
///
/// An event is 4096 bytes of a
/// page before compression, so 4096 / ns is GB/s; random pages are kept as they are.
var compressionWorkloads: [Workload] {
  let pages = 1024
  func workload(
    _ name: String, _ summary: String, _ kinds: [PageKind] = PageKind.allCases,
    _ body: @escaping (borrowing CompressedPages) -> Void
  ) -> Workload {
    Workload(name: name, event: "page", summary: summary, count: pages) {
      let set = CompressedPages(pages, kinds)
      body(set)
      return { body(set) }
    }
  }
  func bytes(_ kinds: [PageKind]) -> String {
    "\(CompressedPages(pages, kinds).storedBytes / pages) bytes a page stored"
  }
  var all = [
    workload("compress", "zero, pointers, text, random; " + bytes(PageKind.allCases)) {
      $0.compressAll()
    },
    workload("decompress", "the same pages back") { $0.decompressAll() },
  ]
  for kind in PageKind.allCases {
    all.append(
      workload("pack-\(kind)", bytes([kind]), [kind]) { $0.compressAll() })
    all.append(workload("expand-\(kind)", "the same pages back", [kind]) { $0.decompressAll() })
  }
  return all
}

/// What a page of the mix holds.
enum PageKind: CaseIterable {
  case zero, pointers, text, random
}

/// Pages, and where they are kept compressed.
final class CompressedPages {
  private let pages: UnsafeMutableRawPointer
  private let compressed: UnsafeMutableRawPointer
  private let back: UnsafeMutableRawPointer
  /// The compressed bytes of each page; 0 for a repeated word, 4096 for one that does not shrink.
  private var sizes: [Int]
  private let compressor = PageCompressor()

  init(_ count: Int, _ kinds: [PageKind]) {
    pages = .allocate(byteCount: count * 4096, alignment: 4096)
    compressed = .allocate(byteCount: count * 4096, alignment: 4096)
    back = .allocate(byteCount: 4096, alignment: 4096)
    sizes = [Int](repeating: 0, count: count)
    var state: UInt64 = 1
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33 ^ state << 17
    }
    let words = [
      "the", "page", "of", "memory", "is", "mapped", "to", "a", "frame", "when", "it", "faults",
      "and", "kernel", "walks", "table", "entry", "by", "level", "until", "address", "found",
    ]
    for i in 0..<count {
      let page = pages + i * 4096
      switch kinds[i % kinds.count] {
      case .zero: page.initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
      case .pointers:
        // Three of four words point into 16 MiB of heap, one is a small number.
        for word in 0..<512 {
          let value =
            random() % 4 == 0 ? random() % 256 : 0x7f12_3400_0000 + random() % (1 << 24) & ~15
          page.storeBytes(of: value, toByteOffset: word * 8, as: UInt64.self)
        }
      case .text:
        var at = 0
        while at < 4096 {
          // A number now and then, as in logs.
          let text =
            random() % 8 == 0 ? "\(random() % 100_000) " : words[Int(random() % 22)] + " "
          for byte in text.utf8 where at < 4096 {
            page.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
            at += 1
          }
        }
      case .random:
        for word in 0..<512 {
          page.storeBytes(of: random() ^ random() << 31, toByteOffset: word * 8, as: UInt64.self)
        }
      }
    }
    compressAll()
  }

  deinit {
    pages.deallocate()
    compressed.deallocate()
    back.deallocate()
  }

  var storedBytes: Int { sizes.reduce(0, +) }

  func compressAll() {
    for i in 0..<sizes.count {
      let page = UnsafeRawPointer(pages + i * 4096)
      if let word = PageCompressor.repeatedWord(of: page) {
        compressed.storeBytes(of: word, toByteOffset: i * 4096, as: UInt64.self)
        sizes[i] = 0
        continue
      }
      let target = UnsafeMutableRawBufferPointer(
        start: compressed + i * 4096, count: PageCompressor.defaultLimit)
      if let size = compressor.compress(page, into: target) {
        sizes[i] = size
      } else {
        (compressed + i * 4096).copyMemory(from: page, byteCount: 4096)
        sizes[i] = 4096
      }
    }
  }

  func decompressAll() {
    for i in 0..<sizes.count {
      let source = UnsafeRawPointer(compressed + i * 4096)
      if sizes[i] == 0 {
        PageCompressor.fill(back, with: source.load(as: UInt64.self))
      } else if sizes[i] == 4096 {
        back.copyMemory(from: source, byteCount: 4096)
      } else {
        let isPage = PageCompressor.decompress(
          UnsafeRawBufferPointer(start: source, count: sizes[i]), into: back)
        precondition(isPage, "page \(i) does not come back")
      }
    }
  }
}

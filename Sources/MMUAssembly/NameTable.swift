/// Numbers names by the order of their first appearance; lookups take bytes, not strings.
final class NameTable {
  private(set) var count = 0
  private var slots: UnsafeMutablePointer<Int32>
  private var mask: Int
  private var entries: [(start: Int, length: Int, hash: UInt32)] = []
  private var arena: [UInt8] = []

  init() {
    mask = 255
    slots = .allocate(capacity: 256)
    slots.initialize(repeating: -1, count: 256)
  }

  deinit { slots.deallocate() }

  convenience init(_ names: some Sequence<String>) {
    self.init()
    for name in names { _ = intern(name) }
  }

  /// FNV-1a.
  private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
    var hash: UInt32 = 2_166_136_261
    for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return hash
  }

  /// The slot that holds the name or is free for it.
  private func slot(_ bytes: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> Int {
    var index = Int(hash ^ hash >> 15) & mask
    while slots[index] >= 0 {
      let entry = entries[Int(slots[index])]
      if entry.hash == hash, entry.length == bytes.count, equal(entry.start, bytes) { break }
      index = (index + 1) & mask
    }
    return index
  }

  private func equal(_ start: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    for index in 0..<bytes.count where arena[start + index] != bytes[index] { return false }
    return true
  }

  func find(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    let found = slots[slot(bytes, Self.hash(bytes))]
    return found < 0 ? nil : Int(found)
  }

  func find(_ name: String) -> Int? {
    var copy = name
    return copy.withUTF8 { find($0) }
  }

  func intern(_ name: String) -> Int {
    var copy = name
    return copy.withUTF8 { intern($0) }
  }

  func intern(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let hash = Self.hash(bytes)
    let index = slot(bytes, hash)
    if slots[index] >= 0 { return Int(slots[index]) }
    slots[index] = Int32(count)
    entries.append((arena.count, bytes.count, hash))
    arena.append(contentsOf: bytes)
    count += 1
    if count * 2 > mask { grow() }
    return count - 1
  }

  private func grow() {
    slots.deallocate()
    mask = mask * 2 + 1
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: -1, count: mask + 1)
    for (number, entry) in entries.enumerated() {
      var index = Int(entry.hash ^ entry.hash >> 15) & mask
      while slots[index] >= 0 { index = (index + 1) & mask }
      slots[index] = Int32(number)
    }
  }

  func name(_ number: Int) -> String {
    let entry = entries[number]
    return String(decoding: arena[entry.start..<entry.start + entry.length], as: UTF8.self)
  }

  var names: [String] { (0..<count).map(name) }
}

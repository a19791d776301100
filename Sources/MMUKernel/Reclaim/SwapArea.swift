import MMUMemory

/// Where the content of swapped pages lies: 4096 bytes for each slot.
public protocol SwapStore: AnyObject {
  /// Reads a page; false if it cannot be read.
  func read(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool
  /// Writes a page; false if it cannot be written.
  func write(_ slot: UInt64, from page: UnsafeRawPointer) -> Bool
}

/// A swap area: its slots, who needs them, and the swap cache.
///
/// A slot is used by the entries that name it (of page tables, and of the page trees of files in memory)
/// and by the swap cache, which knows the frame that has, or had before it was written, the same content.
/// It is free when neither needs it. Slot 0 is the header, as in the format of mkswap, and names no page.
/// Slots are handed out one behind the other, so that what went together lies together.
final class SwapArea {
  /// The name in /proc/swaps.
  let name: String
  /// A file of the host, not the machine's own disk.
  let isFile: Bool
  /// Slots, the header's included.
  let slotCount: UInt64
  /// Slots in use, the header's not included.
  private(set) var used: UInt64 = 0
  /// Pages may go there: from swapon to swapoff.
  var isOn = true
  /// About one in so many transfers fails; 0: none.
  var errorOdds: UInt64 = 0
  private var dice: SeededGenerator
  private let store: any SwapStore
  /// A compressed copy of some slots in memory, in front of the store.
  var compressed: CompressedSwap?

  /// By slot: entries that name it, the frame in the swap cache, and when it was written (`evictions`).
  private let uses: UnsafeMutablePointer<UInt32>
  private let frames: UnsafeMutablePointer<UInt32>
  private let written: UnsafeMutablePointer<UInt32>
  /// By slot: one bit each, set while it is used.
  private let taken: UnsafeMutablePointer<UInt64>
  /// By frame: its slot in the swap cache.
  private let slots: UnsafeMutablePointer<UInt32>
  private let frameCount: UInt64
  /// Where the search for a free slot begins.
  private var next: UInt64 = 1
  /// Frames in the swap cache.
  private(set) var cachedFrames: UInt64 = 0
  /// The last slot a fault read, and how many pages were read with it: see `readaheadWindow`.
  private var lastRead: UInt64 = 0
  private var lastWindow: UInt64 = 0
  /// Pages read ahead that were wanted since.
  private var readaheadHits: UInt64 = 4

  /// What a transfer came to.
  enum Transfer {
    case failed
    /// In memory: nobody waits for the disk.
    case compressed
    case disk
  }

  /// Makes an area that is on.
  ///
  /// - Parameter pages: at least two, the header included.
  init(
    _ store: any SwapStore, name: String, isFile: Bool, pages: UInt64, frameCount: UInt64,
    seed: UInt64
  ) {
    precondition(pages >= 2 && pages < 1 << 32, "a swap area has 2 to 2^32 pages")
    self.store = store
    self.name = name
    self.isFile = isFile
    slotCount = pages
    self.frameCount = frameCount
    dice = SeededGenerator(seed: seed ^ 0x7377_6170)
    func words<T>(_ count: UInt64, _: T.Type) -> UnsafeMutablePointer<T> {
      Platform.map(bytes: Self.bytes(count, T.self), hugePages: false)
        .assumingMemoryBound(to: T.self)
    }
    uses = words(pages, UInt32.self)
    frames = words(pages, UInt32.self)
    written = words(pages, UInt32.self)
    taken = words(pages / 64 + 1, UInt64.self)
    slots = words(frameCount, UInt32.self)
    taken[0] = 1
  }

  deinit {
    Platform.unmap(uses, bytes: Self.bytes(slotCount, UInt32.self))
    Platform.unmap(frames, bytes: Self.bytes(slotCount, UInt32.self))
    Platform.unmap(written, bytes: Self.bytes(slotCount, UInt32.self))
    Platform.unmap(taken, bytes: Self.bytes(slotCount / 64 + 1, UInt64.self))
    Platform.unmap(slots, bytes: Self.bytes(frameCount, UInt32.self))
  }

  private static func bytes<T>(_ count: UInt64, _: T.Type) -> UInt64 {
    (count * UInt64(MemoryLayout<T>.stride) + 4095) & ~4095
  }

  /// Slots that can hold a page.
  var capacity: UInt64 { slotCount - 1 }
  /// Slots that are free.
  var free: UInt64 { capacity - used }
  /// More than half is in use: pages read back give their slots up then.
  var isHalfFull: Bool { used * 2 > capacity }

  // MARK: Slots

  /// Takes a free slot, which nobody needs yet; 0 if there is none.
  ///
  /// - Precondition: the caller lets an entry or the swap cache need it at once.
  func allocate() -> UInt64 {
    if !isOn || free == 0 { return 0 }
    var word = next / 64
    var bits = ~taken[Int(word)] & (~0 << (next % 64))
    while true {
      if bits != 0 {
        let slot = word * 64 + UInt64(bits.trailingZeroBitCount)
        if slot < slotCount {
          taken[Int(word)] |= 1 << (slot % 64)
          used += 1
          next = slot + 1 == slotCount ? 1 : slot + 1
          return slot
        }
      }
      word = (word + 1) % (slotCount / 64 + 1)
      bits = ~taken[Int(word)]
    }
  }

  /// Entries that name a slot.
  func uses(of slot: UInt64) -> UInt32 { uses[Int(slot)] }

  /// One more entry names a slot.
  func retain(_ slot: UInt64, by count: UInt32 = 1) { uses[Int(slot)] += count }

  /// One entry less names a slot; it is free if that was all who needed it.
  func release(_ slot: UInt64) {
    precondition(uses[Int(slot)] > 0, "a swap slot is released that no entry names")
    uses[Int(slot)] -= 1
    freeIfUnneeded(slot)
  }

  private func freeIfUnneeded(_ slot: UInt64) {
    if uses[Int(slot)] != 0 || frames[Int(slot)] != 0 { return }
    taken[Int(slot / 64)] &= ~(1 << (slot % 64))
    used -= 1
    compressed?.drop(slot)
  }

  /// Gives back a slot that was allocated for nothing.
  func cancel(_ slot: UInt64) { freeIfUnneeded(slot) }

  /// When the page of a slot went, on the clock of evictions.
  func evictionTime(of slot: UInt64) -> UInt32 { written[Int(slot)] }

  /// Notes when the page of a slot went.
  func setEvictionTime(of slot: UInt64, _ time: UInt32) { written[Int(slot)] = time }

  // MARK: Swap cache

  /// The frame that holds a slot's page; 0 if none does.
  func frame(of slot: UInt64) -> UInt64 { UInt64(frames[Int(slot)]) }

  /// The slot of a frame in the swap cache; 0 if it is not there.
  func slot(of frame: UInt64) -> UInt64 { UInt64(slots[Int(frame)]) }

  /// Enters a frame; the caller gives it a reference for that.
  func enter(_ frame: UInt64, _ slot: UInt64) {
    frames[Int(slot)] = UInt32(frame)
    slots[Int(frame)] = UInt32(slot)
    cachedFrames += 1
  }

  /// Takes a frame out; its reference is the caller's to drop.
  func forget(_ frame: UInt64) {
    let slot = slot(of: frame)
    frames[Int(slot)] = 0
    slots[Int(frame)] = 0
    cachedFrames -= 1
    freeIfUnneeded(slot)
  }

  // MARK: Content

  private func fails() -> Bool { errorOdds != 0 && dice.next() % errorOdds == 0 }

  /// Writes a page to its slot.
  func write(_ slot: UInt64, from page: UnsafeRawPointer) -> Transfer {
    if let compressed, compressed.store(slot, page) { return .compressed }
    return writeToStore(slot, from: page) ? .disk : .failed
  }

  /// Writes a page past the compressed copies.
  func writeToStore(_ slot: UInt64, from page: UnsafeRawPointer) -> Bool {
    !fails() && store.write(slot, from: page)
  }

  /// Reads the page of a slot.
  func read(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Transfer {
    if let compressed, compressed.load(slot, into: page) { return .compressed }
    return !fails() && store.read(slot, into: page) ? .disk : .failed
  }

  // MARK: Readahead

  /// A page that was read ahead was wanted.
  func noteReadaheadHit() { readaheadHits += 1 }

  /// The slots to read with one that is wanted: those of its aligned window, which is as wide as the
  /// pages read ahead were useful lately.
  ///
  /// Nothing is read ahead while nothing of it hits, but where two reads follow one another.
  /// - Parameter largest: the widest window, a power of two of slots.
  func readaheadWindow(_ slot: UInt64, largest: UInt64) -> Range<UInt64> {
    if largest == 1 { return slot..<slot + 1 }
    var width = readaheadHits + 2
    readaheadHits = 0
    if width == 2 {
      if slot != lastRead + 1 && slot + 1 != lastRead { width = 1 }
    } else {
      var power: UInt64 = 4
      while power < width { power *= 2 }
      width = power
    }
    width = max(min(width, largest), lastWindow / 2)
    lastWindow = width
    lastRead = slot
    let start = slot & ~(width - 1)
    return max(start, 1)..<min(start + width, slotCount)
  }

  // MARK: Checks

  /// Calls `body` with each slot in use, the entries that name it, and its frame or 0.
  func forEachSlot(_ body: (_ slot: UInt64, _ uses: UInt32, _ frame: UInt64) -> Void) {
    for slot in 1..<slotCount where taken[Int(slot / 64)] >> (slot % 64) & 1 == 1 {
      body(slot, uses[Int(slot)], UInt64(frames[Int(slot)]))
    }
  }
}

/// A swap area in memory of the host: the machine's own disk.
final class MemorySwapStore: SwapStore {
  private let base: UnsafeMutableRawPointer
  private let bytes: UInt64

  init(pages: UInt64) {
    bytes = pages * 4096
    base = Platform.map(bytes: bytes, hugePages: false)
  }

  deinit { Platform.unmap(base, bytes: bytes) }

  func read(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool {
    page.copyMemory(from: base + Int(slot * 4096), byteCount: 4096)
    return true
  }

  func write(_ slot: UInt64, from page: UnsafeRawPointer) -> Bool {
    (base + Int(slot * 4096)).copyMemory(from: page, byteCount: 4096)
    return true
  }
}

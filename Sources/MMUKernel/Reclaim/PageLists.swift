import MMUMemory

/// The two kinds of pages that reclaim tells apart, as Linux's LRU lists do.
package enum PageKind: Int, CaseIterable {
  /// Can only go to swap: private memory, shared memory, files in memory.
  case anonymous = 0
  /// Can go without swap: can be read again from its file, or was given up by MADV_FREE.
  case file = 1
}

/// Which list a page stands in: a kind, and a number of the policy's own.
struct PageList: Equatable {
  /// 0 is no list.
  let rawValue: UInt8

  static var perKind: Int { 7 }
  static var none: Self { Self(rawValue: 0) }

  /// The list of a kind with a number from 0 to 6.
  init(_ kind: PageKind, _ number: Int = 0) {
    rawValue = UInt8(truncatingIfNeeded: 1 + kind.rawValue * Self.perKind + number)
  }

  fileprivate init(rawValue: UInt8) { self.rawValue = rawValue }

  /// What kind of pages it holds.
  var kind: PageKind { Int(rawValue) > Self.perKind ? .file : .anonymous }
  /// Its number among those of the kind.
  var number: Int { (Int(rawValue) - 1) % Self.perKind }
}

/// The frames reclaim may take, in lists threaded through an array with two links for each frame.
///
/// A frame enters the list for newcomers when it becomes somebody's page, at the young end, and leaves
/// whatever list it is in when it is freed: the only work a fault does for reclaim. All else is done by
/// the policy when memory is short.
/// - Complexity: every operation O(1).
final class PageLists {
  /// Bits of a frame's mark beside its list.
  enum Mark {
    /// Found accessed once, or read by a system call: Linux's PG_referenced.
    static var referenced: UInt8 { 1 << 4 }
    /// Read from swap beside the page that was wanted, which nobody has asked for yet.
    static var readAhead: UInt8 { 1 << 5 }
    /// The swap cache knows a slot with the same content, or the same before the page was written.
    static var swapCached: UInt8 { 1 << 6 }
    /// MADV_FREE: the content may go unless the page was written since.
    static var lazyFree: UInt8 { 1 << 7 }
    fileprivate static var list: UInt8 { 15 }
  }

  /// For each frame the older neighbour in bits 63:32 and the younger one in 31:0; 0 is none.
  private let links: UnsafeMutablePointer<UInt64>
  private let marks: UnsafeMutablePointer<UInt8>
  private let frameCount: UInt64
  /// By list: the oldest and the youngest frame, and how many there are.
  private struct Ends {
    var oldest: UInt32 = 0
    var youngest: UInt32 = 0
    var count: UInt64 = 0
  }

  private let ends = UnsafeMutablePointer<Ends>.allocate(capacity: 16)
  /// By kind: the list newcomers enter.
  private let newcomers = UnsafeMutablePointer<UInt8>.allocate(capacity: 2)
  /// Frames in all lists, and the most there may be before reclaim has to make room.
  private(set) var pages: UInt64 = 0
  var limit = UInt64.max
  /// Whoever needs a frame is to free some first: there are too few, or more pages than `limit`.
  var isShort = false

  /// Makes empty lists for frames 0..<`frames`.
  init(frames: UInt64) {
    frameCount = frames
    links = Platform.map(bytes: (frames * 8 + 4095) & ~4095, hugePages: false)
      .assumingMemoryBound(to: UInt64.self)
    marks = Platform.map(bytes: (frames + 4095) & ~4095, hugePages: false)
      .assumingMemoryBound(to: UInt8.self)
    ends.initialize(repeating: Ends(), count: 16)
    for kind in PageKind.allCases { newcomers[kind.rawValue] = PageList(kind).rawValue }
  }

  deinit {
    Platform.unmap(links, bytes: (frameCount * 8 + 4095) & ~4095)
    Platform.unmap(marks, bytes: (frameCount + 4095) & ~4095)
    ends.deallocate()
    newcomers.deallocate()
  }

  /// Makes newcomers of a list's kind enter it from now on.
  func sendNewcomers(to list: PageList) { newcomers[list.kind.rawValue] = list.rawValue }

  /// Puts a frame that has become a page at the young end of the newcomers' list; one that is in a list
  /// stays there.
  @inline(__always)
  func enter(_ frame: UInt64, _ kind: PageKind) {
    if marks[Int(frame)] & Mark.list != 0 { return }
    append(frame, newcomers[kind.rawValue])
  }

  /// Makes a frame a newcomer of a kind, without marks.
  func enterAnew(_ frame: UInt64, _ kind: PageKind) {
    leave(frame)
    enter(frame, kind)
  }

  /// Takes a frame out of its list and forgets its marks.
  @inline(__always)
  func leave(_ frame: UInt64) {
    let mark = marks[Int(frame)]
    if mark == 0 { return }
    marks[Int(frame)] = 0
    if mark & Mark.list != 0 { unlink(frame, Int(mark & Mark.list)) }
  }

  /// Moves a frame to the young end of another list of its kind, or of the same; its marks stay.
  ///
  /// Nothing happens if it is in no list, or of the other kind by now.
  func move(_ frame: UInt64, to list: PageList) {
    let mark = marks[Int(frame)]
    if mark & Mark.list == 0 || self.list(of: frame).kind != list.kind { return }
    unlink(frame, Int(mark & Mark.list))
    marks[Int(frame)] = mark & ~Mark.list
    append(frame, list.rawValue)
  }

  @inline(__always)
  private func append(_ frame: UInt64, _ list: UInt8) {
    let i = Int(list)
    let last = ends[i].youngest
    links[Int(frame)] = UInt64(last) &<< 32
    if last == 0 {
      ends[i].oldest = UInt32(truncatingIfNeeded: frame)
    } else {
      links[Int(last)] |= frame
    }
    ends[i].youngest = UInt32(truncatingIfNeeded: frame)
    ends[i].count &+= 1
    pages &+= 1
    if pages > limit { isShort = true }
    marks[Int(frame)] |= list
  }

  @inline(__always)
  private func unlink(_ frame: UInt64, _ list: Int) {
    let word = links[Int(frame)]
    let older = Int(word &>> 32)
    let younger = Int(word & 0xffff_ffff)
    if older == 0 {
      ends[list].oldest = UInt32(truncatingIfNeeded: younger)
    } else {
      links[older] = links[older] & ~0xffff_ffff | UInt64(younger)
    }
    if younger == 0 {
      ends[list].youngest = UInt32(truncatingIfNeeded: older)
    } else {
      links[younger] = links[younger] & 0xffff_ffff | UInt64(older) &<< 32
    }
    ends[list].count &-= 1
    pages &-= 1
  }

  /// The frame that has stood longest in a list; 0 if it is empty.
  func first(_ list: PageList) -> UInt64 { UInt64(ends[Int(list.rawValue)].oldest) }

  /// The next younger frame in the same list; 0 if there is none.
  func next(_ frame: UInt64) -> UInt64 { links[Int(frame)] & 0xffff_ffff }

  /// Frames in a list.
  func count(_ list: PageList) -> UInt64 { ends[Int(list.rawValue)].count }

  /// Frames in all lists of a kind.
  func count(_ kind: PageKind) -> UInt64 {
    (0..<PageList.perKind).reduce(0) { $0 + count(PageList(kind, $1)) }
  }

  /// The list a frame stands in.
  func list(of frame: UInt64) -> PageList {
    PageList(rawValue: marks[Int(frame)] & Mark.list)
  }

  /// Whether a frame has a mark.
  @inline(__always)
  func has(_ mark: UInt8, _ frame: UInt64) -> Bool { marks[Int(frame)] & mark != 0 }

  /// Gives a frame a mark.
  func set(_ mark: UInt8, _ frame: UInt64) { marks[Int(frame)] |= mark }

  /// Takes marks from a frame.
  func clear(_ mark: UInt8, _ frame: UInt64) { marks[Int(frame)] &= ~mark }

  /// What is wrong with the lists, if anything is.
  ///
  /// - Complexity: all listed frames.
  func inconsistency() -> String? {
    var total: UInt64 = 0
    for kind in PageKind.allCases {
      for number in 0..<PageList.perKind {
        let list = PageList(kind, number)
        var seen: UInt64 = 0
        var previous: UInt64 = 0
        var frame = first(list)
        while frame != 0 {
          if self.list(of: frame) != list || links[Int(frame)] >> 32 != previous {
            return "frame \(frame) is wrongly linked in the list \(number) of \(kind) pages"
          }
          seen += 1
          if seen > count(list) { break }
          previous = frame
          frame = next(frame)
        }
        if seen != count(list) || previous != UInt64(ends[Int(list.rawValue)].youngest) {
          return "the list \(number) of \(kind) pages counts \(count(list)), \(seen) are linked"
        }
        total += seen
      }
    }
    return total == pages ? nil : "\(pages) pages are counted in all lists, \(total) are there"
  }
}

/// How reclaim chooses pages: the name after `--policy`.
public enum ReclaimPolicyKind: String, CaseIterable, Sendable {
  /// Linux's active and inactive lists with a second chance.
  case twoList = "two-list"
  /// The page that came first goes first.
  case fifo
  /// The page that came first, unless it was accessed since it was last looked at.
  case clock
  /// Newcomers apart from pages that came back: 2Q.
  case twoQueue = "2q"
  /// Pages by the generation they were last accessed in, as Linux's MGLRU has them.
  case generations
  /// Any page.
  case random

  /// What it does, in a line.
  public var summary: String {
    switch self {
    case .twoList: "active and inactive lists with a second chance, as Linux has them"
    case .fifo: "the page that came first goes first"
    case .clock: "first in, first out, but accessed pages get a second chance"
    case .twoQueue: "newcomers leave first in, first out; those that come back are kept by a clock"
    case .generations: "pages by the generation they were last accessed in, as MGLRU does"
    case .random: "any page"
    }
  }
}

/// Chooses which pages go when memory is short.
///
/// It moves frames between lists of its own (up to seven for each kind of page). What tells it of the past
/// are the order of the lists, marks, and the accessed bits of the page tables, which it samples with
/// `SystemMemory.sampleAccess`: a kernel sees no more of a program's references.
protocol ReclaimPolicy: AnyObject {
  /// Looks at up to `count` pages of a kind and gives those that should go to `system.evict`.
  ///
  /// - Returns: how many were looked at; 0 if there are none.
  func scan(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64
  /// A page has come back that had been evicted; in a working set that fits it would have stayed.
  func refaulted(_ frame: UInt64, isWorkingSet: Bool, _ lists: PageLists)
  /// A system call has used a page of a file a second time.
  func used(_ frame: UInt64, _ lists: PageLists)
  /// A program will not need a page soon.
  func cooled(_ frame: UInt64, _ lists: PageLists)
  /// Pages of a kind that are to be looked at next without anything being made ready first.
  func inactive(_ kind: PageKind, _ lists: PageLists) -> UInt64
}

extension ReclaimPolicy {
  func refaulted(_ frame: UInt64, isWorkingSet: Bool, _ lists: PageLists) {}
  func used(_ frame: UInt64, _ lists: PageLists) {}
  func cooled(_ frame: UInt64, _ lists: PageLists) {}
  func inactive(_ kind: PageKind, _ lists: PageLists) -> UInt64 { lists.count(kind) }
}

extension ReclaimPolicyKind {
  /// A policy of this kind in its first state.
  func make(seed: UInt64) -> any ReclaimPolicy {
    switch self {
    case .twoList: TwoListPolicy()
    case .fifo: ClockPolicy(givesSecondChance: false)
    case .clock: ClockPolicy(givesSecondChance: true)
    case .twoQueue: TwoQueuePolicy()
    case .generations: GenerationPolicy()
    case .random: RandomPolicy(seed: seed)
    }
  }
}

/// FIFO and Clock: one list.
private final class ClockPolicy: ReclaimPolicy {
  private let givesSecondChance: Bool

  init(givesSecondChance: Bool) { self.givesSecondChance = givesSecondChance }

  func scan(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64 {
    let list = PageList(kind)
    let lists = system.frames.lists
    var looked: UInt64 = 0
    while looked < count {
      let frame = lists.first(list)
      if frame == 0 { break }
      looked += 1
      if givesSecondChance && system.wasUsed(frame) || !system.evict(frame) {
        lists.move(frame, to: list)
      }
    }
    return looked
  }
}

/// Any page, by throwing dice for a frame until one of the kind is hit.
private final class RandomPolicy: ReclaimPolicy {
  private var dice: SeededGenerator

  init(seed: UInt64) { dice = SeededGenerator(seed: seed ^ 0x7261_6e64) }

  func scan(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64 {
    let list = PageList(kind)
    let lists = system.frames.lists
    var looked: UInt64 = 0
    while looked < count && lists.first(list) != 0 {
      var frame: UInt64 = 0
      // Where few frames are of the kind, the one that came first will do after a while.
      for _ in 0..<64 where frame == 0 || lists.list(of: frame) != list {
        frame = dice.next() % system.frames.highWater
      }
      if lists.list(of: frame) != list { frame = lists.first(list) }
      looked += 1
      if !system.evict(frame) { lists.move(frame, to: list) }
    }
    return looked
  }
}

/// 2Q: newcomers apart from pages that came back.
///
/// Newcomers (A1in) go first in, first out; a page that comes back (which is what A1out is for) joins
/// the others (Am), which a clock keeps. A quarter of the pages are newcomers.
private final class TwoQueuePolicy: ReclaimPolicy {
  func scan(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64 {
    let newcomers = PageList(kind)
    let others = PageList(kind, 1)
    let lists = system.frames.lists
    var looked: UInt64 = 0
    // Pages among the others have to stay: newcomers go before they are a quarter.
    var isStuck = false
    while looked < count {
      let all = lists.count(newcomers) + lists.count(others)
      let isLong =
        lists.count(newcomers) * 4 > all || isStuck && lists.first(newcomers) != 0
      let frame = lists.first(isLong ? newcomers : others)
      if frame == 0 { break }
      looked += 1
      if isLong {
        // One that has to stay would be in the way of the others for ever.
        if !system.evict(frame) { lists.move(frame, to: others) }
      } else if system.wasUsed(frame) {
        lists.move(frame, to: others)
      } else if !system.evict(frame) {
        lists.move(frame, to: others)
        isStuck = true
      }
    }
    return looked
  }

  func refaulted(_ frame: UInt64, isWorkingSet: Bool, _ lists: PageLists) {
    let kind = lists.list(of: frame).kind
    lists.move(frame, to: PageList(kind, 1))
  }
}

/// Linux's two lists: newcomers are inactive; those found accessed become active, and as many active ones
/// become inactive again as keeps the inactive list long enough.
private final class TwoListPolicy: ReclaimPolicy {
  private static func inactive(_ kind: PageKind) -> PageList { PageList(kind, 0) }
  private static func active(_ kind: PageKind) -> PageList { PageList(kind, 1) }

  func inactive(_ kind: PageKind, _ lists: PageLists) -> UInt64 {
    lists.count(Self.inactive(kind))
  }

  /// Linux's inactive_is_low: up to 1 GiB half of the pages may be active, then less and less inactive
  /// ones will do.
  private func isInactiveLow(_ kind: PageKind, _ lists: PageLists) -> Bool {
    let inactive = lists.count(Self.inactive(kind))
    let active = lists.count(Self.active(kind))
    let gigabytes = (inactive + active) >> 18
    var ratio: UInt64 = 1
    while gigabytes > 0 && (ratio + 1) * (ratio + 1) <= gigabytes * 10 { ratio += 1 }
    return inactive * ratio < active
  }

  func scan(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64 {
    let lists = system.frames.lists
    var looked: UInt64 = 0
    if isInactiveLow(kind, lists) { looked += deactivate(kind, count, system) }
    let list = Self.inactive(kind)
    var left = count
    while left > 0 {
      let frame = lists.first(list)
      if frame == 0 { break }
      left -= 1
      looked += 1
      let sample = system.sampleAccess(frame)
      let wasReferenced = lists.has(PageLists.Mark.referenced, frame)
      lists.clear(PageLists.Mark.referenced, frame)
      if sample.count > 0 {
        // Seen accessed twice, by two, or code that ran: it is in use. Else one more round.
        if wasReferenced || sample.count > 1 || sample.isExecutable && kind == .file {
          activate(frame, lists)
        } else {
          lists.set(PageLists.Mark.referenced, frame)
          lists.move(frame, to: list)
        }
        continue
      }
      if !system.evict(frame) { lists.move(frame, to: list) }
    }
    return looked
  }

  /// Makes active pages inactive, oldest first; code that ran stays.
  private func deactivate(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64 {
    let lists = system.frames.lists
    var looked: UInt64 = 0
    while looked < count {
      let frame = lists.first(Self.active(kind))
      if frame == 0 { break }
      looked += 1
      let sample = system.sampleAccess(frame)
      let stays = sample.count > 0 && sample.isExecutable && kind == .file
      lists.move(frame, to: stays ? Self.active(kind) : Self.inactive(kind))
    }
    return looked
  }

  private func activate(_ frame: UInt64, _ lists: PageLists) {
    lists.clear(PageLists.Mark.referenced, frame)
    lists.move(frame, to: Self.active(lists.list(of: frame).kind))
  }

  func refaulted(_ frame: UInt64, isWorkingSet: Bool, _ lists: PageLists) {
    if isWorkingSet { activate(frame, lists) }
  }

  func used(_ frame: UInt64, _ lists: PageLists) {
    if lists.list(of: frame).number == 0 { activate(frame, lists) }
  }

  func cooled(_ frame: UInt64, _ lists: PageLists) {
    lists.move(frame, to: Self.inactive(lists.list(of: frame).kind))
  }
}

/// Generations: a page stands in the list of the generation it was last found accessed in.
///
/// Four lists in a ring. The oldest generation is evicted, pages found accessed go to the youngest. When
/// the oldest is empty the next one takes its place; when only two are left a new one is made by walking
/// the page tables of all processes, which finds the accessed pages much faster than asking for each.
private final class GenerationPolicy: ReclaimPolicy {
  private static var lists: UInt64 { 4 }
  /// By kind: numbers of the oldest and the youngest generation.
  private var oldest: [UInt64] = [0, 0]
  private var youngest: [UInt64] = [1, 1]

  private func list(_ kind: PageKind, _ generation: UInt64) -> PageList {
    PageList(kind, Int(generation % Self.lists))
  }

  func scan(_ kind: PageKind, _ count: UInt64, _ system: SystemMemory) -> UInt64 {
    let lists = system.frames.lists
    if lists.count(kind) == 0 { return 0 }
    let k = kind.rawValue
    var looked: UInt64 = 0
    while looked < count {
      while lists.first(list(kind, oldest[k])) == 0 {
        if youngest[k] - oldest[k] < 2 { age(system) }
        oldest[k] += 1
      }
      let frame = lists.first(list(kind, oldest[k]))
      looked += 1
      if system.wasUsed(frame) || !system.evict(frame) {
        lists.move(frame, to: list(kind, youngest[k]))
      }
      if lists.count(kind) == 0 { break }
    }
    return looked
  }

  /// Makes a new generation of both kinds, of all pages accessed since the last one was made.
  private func age(_ system: SystemMemory) {
    let lists = system.frames.lists
    for kind in PageKind.allCases {
      let k = kind.rawValue
      // The ring is full: what is oldest joins the next.
      if youngest[k] - oldest[k] + 1 == Self.lists {
        while case let frame = lists.first(list(kind, oldest[k])), frame != 0 {
          lists.move(frame, to: list(kind, oldest[k] + 1))
        }
        oldest[k] += 1
      }
      youngest[k] += 1
      lists.sendNewcomers(to: list(kind, youngest[k]))
    }
    system.takeAccessed { frame in
      let kind = lists.list(of: frame)
      if kind != .none { lists.move(frame, to: list(kind.kind, youngest[kind.kind.rawValue])) }
    }
  }
}

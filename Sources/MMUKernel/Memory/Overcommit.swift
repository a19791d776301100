import MMUMemory

/// How much memory programs may be promised: Linux's `vm.overcommit_memory`.
public enum OvercommitMode: UInt64, CaseIterable, Sendable {
  /// As much as they ask for, but not more than all of RAM and swap at once.
  case heuristic = 0
  /// As much as they ask for.
  case always = 1
  /// No more, all of it together, than the commit limit.
  case strict = 2
}

/// The memory that was promised and the rule for further promises: what `Committed_AS` counts.
///
/// A promise is made of an accounted area (private and writable), of shared anonymous memory and of
/// a System V segment as a whole, and of other files in memory page by page. The sum is kept where
/// these come and go: in `AreaSet` and `Inode`.
final class MemoryPromises {
  /// Pages promised.
  var pages: UInt64 = 0
  /// `vm.overcommit_memory`.
  var mode = OvercommitMode.heuristic
  /// `vm.overcommit_ratio`: per cent of RAM in the commit limit.
  var ratio: UInt64 = 50
  /// Pages that one process alone does not get in mode 2, so that it can be dealt with: Linux's
  /// `user_reserve_kbytes`.
  var userReserve: UInt64 = 0
  /// 128 MiB.
  static var largestUserReserve: UInt64 { 32768 }
}

extension SystemMemory {
  /// `Committed_AS` in pages.
  public var committedPages: UInt64 { promises.pages }

  /// `CommitLimit` in pages: swap, and a share of RAM.
  public var commitLimit: UInt64 { swapPages + memory.frameCount * promises.ratio / 100 }

  /// Tells whether so many pages more may be promised: Linux's __vm_enough_memory.
  ///
  ///     mode 0   pages <= RAM + swap
  ///     mode 1   always
  ///     mode 2   promised + pages < limit - min(3 % of the process, user reserve)
  ///
  /// The reserve for administrators is not kept back: every program here is root.
  /// - Parameter size: pages of the address space that asks; 0 if none does.
  func canPromise(_ pages: UInt64, to size: UInt64 = 0) -> Bool {
    switch promises.mode {
    case .heuristic: pages <= memory.frameCount + swapPages
    case .always: true
    case .strict: promises.pages + pages + min(size / 32, promises.userReserve) < commitLimit
    }
  }
}

extension AddressSpace {
  /// Tells whether the process may be promised so many pages more.
  func canPromise(_ pages: UInt64) -> Bool { system.canPromise(pages, to: totalPages) }

  /// Tells whether the same may be promised to a child: in mode 2 all of it together, else each area
  /// for itself, as Linux asks while it copies them.
  ///
  /// - Complexity: the areas.
  func canPromiseCopy() -> Bool {
    var sum: UInt64 = 0
    var largest: UInt64 = 0
    areas.forEach {
      if $0.flags.contains(.notForked) { return }
      sum += $0.accountedPages
      largest = max(largest, $0.accountedPages)
    }
    if sum == 0 { return true }
    return canPromise(system.promises.mode == .strict ? sum : largest)
  }

  /// Accounted pages inside a range, which a mapping that replaces them gives back.
  func accountedPages(_ lower: UInt64, _ upper: UInt64) -> UInt64 {
    var pages: UInt64 = 0
    var position = areas.firstEnding(after: lower)
    while let area = areas.area(position), area.lower < upper {
      if area.flags.contains(.accounted) {
        pages += (min(area.upper, upper) - max(area.lower, lower)) / pageBytes
      }
      position = areas.next(position)
    }
    return pages
  }
}

/// How the pages of a file are promised.
enum FilePromise {
  /// Not at all: they can go to a disk, or are the kernel's own.
  case none
  /// Each one when it comes: a file in /tmp or /dev/shm, a memfd, what was mapped MAP_NORESERVE.
  case perPage
  /// So many pages in advance: shared anonymous memory, a System V segment.
  case whole(UInt64)
}

extension Inode {
  /// Promises all pages of a new file at once.
  ///
  /// - Precondition: it has none yet, and `canPromise` was asked.
  func promiseWhole() {
    promise = .whole(pageCount)
    system.promises.pages += pageCount
  }

  /// Counts a page that came.
  @inline(__always)
  func notePromised() { if case .perPage = promise { system.promises.pages += 1 } }

  /// Counts a page that went.
  @inline(__always)
  func noteReturned() { if case .perPage = promise { system.promises.pages -= 1 } }

  /// Takes back what was promised for the file as a whole.
  func takeBackPromise() {
    guard case .whole(let pages) = promise else { return }
    system.promises.pages -= pages
    promise = .none
  }

  /// Tells whether one page more may come.
  @inline(__always) var canPromisePage: Bool {
    guard case .perPage = promise, system.promises.mode == .strict else { return true }
    return system.canPromise(1)
  }

  /// Pages that are part of `Committed_AS`, for `checkInvariants`.
  var promisedPages: UInt64 {
    switch promise {
    case .none: 0
    case .perPage: UInt64(pages.count)
    case .whole(let pages): pages
    }
  }
}

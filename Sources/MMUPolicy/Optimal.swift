/// When the page of each reference is used next.
struct NextUses: ~Copyable {
  /// By reference: the index of the next one to its page, or `never`.
  let next: UnsafeMutablePointer<UInt32>

  /// There is no further use.
  static var never: UInt32 { .max }

  /// - Complexity: O(n).
  init(_ string: ReferenceString) {
    next = .allocate(capacity: max(1, string.count))
    var seen = [UInt32](repeating: Self.never, count: string.names.count)
    for time in stride(from: string.count - 1, through: 0, by: -1) {
      let page = Int(string.references[time] >> 1)
      (next + time).initialize(to: seen[page])
      seen[page] = UInt32(time)
    }
  }

  deinit { next.deallocate() }
}

/// OPT, or MIN: the page whose next use lies farthest ahead leaves; no algorithm has fewer faults.
///
/// Of pages that are never used again, the one that was loaded earliest. L. A. Belady, "A study of
/// replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966.
///
/// - Complexity: O(log n) a step, with base 64.
struct Optimal: ~Copyable, ReplacementAlgorithm {
  private let uses: NextUses
  /// The times at which the pages in memory are used next.
  private var upcoming: PositionSet
  /// The times at which the pages in memory that are never used again were loaded.
  private var finished: PositionSet
  /// The frame of the page that is referenced, or was loaded, at a time in either set.
  private let frameAt: UnsafeMutablePointer<UInt32>
  private let loadedAt: UnsafeMutablePointer<UInt32>

  init(_ string: ReferenceString, frames: Int) {
    uses = NextUses(string)
    upcoming = PositionSet(below: string.count)
    finished = PositionSet(below: string.count)
    frameAt = .allocate(capacity: max(1, string.count))
    frameAt.initialize(repeating: 0, count: string.count)
    loadedAt = .allocate(capacity: frames)
    loadedAt.initialize(repeating: 0, count: frames)
  }

  deinit {
    frameAt.deallocate()
    loadedAt.deallocate()
  }

  mutating func hit(_ frame: Int, at time: Int) {
    upcoming.remove(time)
    expect(frame, at: time)
  }

  mutating func loaded(_ page: Int, into frame: Int, at time: Int) {
    loadedAt[frame] = UInt32(truncatingIfNeeded: time)
    expect(frame, at: time)
  }

  mutating func victim(for page: Int, at time: Int) -> Int {
    if let load = finished.first {
      finished.remove(load)
      return Int(frameAt[load])
    }
    guard let farthest = upcoming.last else { preconditionFailure("no frame is in use") }
    upcoming.remove(farthest)
    return Int(frameAt[farthest])
  }

  /// Notes when the page in a frame, referenced now, is used next.
  private mutating func expect(_ frame: Int, at time: Int) {
    let next = uses.next[time]
    if next == NextUses.never {
      // No page is used next at the time of a load that has been, so the places do not clash.
      let load = Int(loadedAt[frame])
      finished.insert(load)
      frameAt[load] = UInt32(truncatingIfNeeded: frame)
    } else {
      upcoming.insert(Int(next))
      frameAt[Int(next)] = UInt32(truncatingIfNeeded: frame)
    }
  }
}

/// What a replay counts.
public struct ReplayCounts: Hashable, Sendable {
  /// References.
  public var references = 0
  /// References to pages that were not in memory, the first one to each page included.
  public var faults = 0
  /// Pages that left memory for another.
  public var evictions = 0
  /// Evictions of pages written to since they were loaded.
  public var writebacks = 0

  /// Makes counts of zero.
  @inlinable public init() {}

  /// References to pages that were in memory.
  public var hits: Int { references - faults }
}

/// Replays a string with a fixed number of frames under demand paging: a page is loaded when it is
/// referenced and not before, free frames are used first, in order.
///
/// - Parameters:
///   - string: the references.
///   - frames: at least 1.
///   - algorithm: fresh, made for as many frames.
///   - observer: sees each step.
/// - Complexity: O(n) and what the algorithm needs. It is inlinable so that the loop is compiled for
///   each algorithm by itself.
@inlinable
public func replay<Algorithm, Observer>(
  _ string: ReferenceString, frames: Int, by algorithm: inout Algorithm,
  observer: inout Observer
) -> ReplayCounts
where
  Algorithm: ReplacementAlgorithm & ~Copyable, Observer: ReplayObserver & ~Copyable
{
  precondition(frames >= 1, "\(frames) frames")
  var counts = ReplayCounts()
  counts.references = string.count
  let pages = string.names.count
  // A page's entry: zero while it is absent, else its frame plus one, and a dirty bit.
  let entries = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, pages))
  entries.initialize(repeating: 0, count: pages)
  let contents = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, min(frames, pages)))
  defer {
    entries.deallocate()
    contents.deallocate()
  }
  var used = 0
  string.references.withUnsafeBufferPointer { references in
    for time in 0..<references.count {
      let reference = references[time]
      let page = Int(reference &>> 1)
      let entry = entries[page]
      if entry != 0 {
        entries[page] = entry | (reference & 1)
        algorithm.hit(Int(entry &>> 1) &- 1, at: time)
        observer.hit(page, at: time)
        continue
      }
      counts.faults &+= 1
      let frame: Int
      var victim: Int?
      if used < frames {
        frame = used
        used &+= 1
      } else {
        frame = algorithm.victim(for: page, at: time)
        precondition(frame >= 0 && frame < frames, "a victim in frame \(frame) of \(frames)")
        let old = Int(contents[frame])
        counts.evictions &+= 1
        counts.writebacks &+= Int(entries[old] & 1)
        entries[old] = 0
        victim = old
      }
      contents[frame] = UInt32(truncatingIfNeeded: page)
      entries[page] = UInt32(truncatingIfNeeded: frame &+ 1) &<< 1 | (reference & 1)
      algorithm.loaded(page, into: frame, at: time)
      observer.fault(page, into: frame, victim: victim, at: time)
    }
  }
  return counts
}

/// One reference of a replay that was watched.
public struct ReplayStep: Hashable, Sendable {
  /// The page's dense number.
  public var page: Int
  /// The page was not there.
  public var isFault: Bool
  /// The dense number of the page that had to leave.
  public var victim: Int?
  /// The frame the page was loaded into, for a fault.
  public var frame: Int?

  /// Joins the fields.
  public init(page: Int, isFault: Bool, victim: Int? = nil, frame: Int? = nil) {
    self.page = page
    self.isFault = isFault
    self.victim = victim
    self.frame = frame
  }
}

/// Keeps every step.
struct StepRecorder: ReplayObserver {
  var steps: [ReplayStep] = []

  mutating func hit(_ page: Int, at time: Int) {
    steps.append(ReplayStep(page: page, isFault: false))
  }

  mutating func fault(_ page: Int, into frame: Int, victim: Int?, at time: Int) {
    steps.append(ReplayStep(page: page, isFault: true, victim: victim, frame: frame))
  }
}

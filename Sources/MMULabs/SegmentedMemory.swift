/// What comes of a step of a segmentation script under one scheme.
enum SegmentationOutcome {
  case done(String)
  /// There is no room.
  case failed(String, isFragmentation: Bool)
  /// A reference beyond the end of its segment that is caught.
  case fault
  /// One that is not: the rest of a page belongs to nobody else.
  case beyondEnd
  /// The process was refused when it started.
  case ignored
}

/// Memory under base and limit: each segment is one run of addresses.
struct SegmentedMemory {
  /// A segment of a process: its place and its limit.
  struct Segment {
    let name: String
    var block: FitHeap.Block
  }

  private var heap: FitHeap
  /// Segments move together when a request fails though enough is free.
  private let compacts: Bool
  private(set) var processes: [String: [Segment]] = [:]
  /// Compactions so far.
  private(set) var compactions = 0
  /// Bytes copied by compactions and by segments that moved to grow.
  private(set) var movedBytes: UInt64 = 0

  /// Bytes of a base and a limit in the segment table.
  static var entryBytes: UInt64 { 16 }

  init(_ strategy: FitStrategy, size: UInt64, compacts: Bool) {
    heap = FitHeap(strategy, size: size)
    self.compacts = compacts
  }

  var freeSize: UInt64 { heap.freeSize }
  var largestFree: UInt64 { heap.largestFree }
  var tableBytes: UInt64 {
    processes.values.reduce(0) { $0 + UInt64($1.count) * Self.entryBytes }
  }
  /// Bytes asked for: what is granted too.
  var usedBytes: UInt64 { heap.size - heap.freeSize }

  mutating func start(
    _ name: String, _ requests: [SegmentationScript.Request]
  ) -> SegmentationOutcome {
    let free = heap.freeSize
    let wanted = requests.reduce(0) { $0 + $1.size }
    processes[name] = []
    for request in requests {
      // Not compacting for a process that cannot fit anyway.
      guard let address = place(request.size, mayCompact: wanted <= free) else {
        let blocks = processes.removeValue(forKey: name) ?? []
        for segment in blocks { heap.free(segment.block.address, segment.block.size) }
        return .failed("no room for '\(request.name)'", isFragmentation: wanted <= free)
      }
      processes[name]?.append(
        Segment(name: request.name, block: FitHeap.Block(address: address, size: request.size)))
    }
    let places = (processes[name] ?? []).map {
      "\($0.name) \($0.block.address)-\($0.block.end)"
    }
    return .done(places.joined(separator: " "))
  }

  mutating func exit(_ name: String) -> SegmentationOutcome {
    guard let segments = processes.removeValue(forKey: name) else { return .ignored }
    for segment in segments { heap.free(segment.block.address, segment.block.size) }
    return .done("gone")
  }

  /// Lengthens a segment where it is, or moves it; after a compaction if that must be.
  mutating func grow(_ name: String, _ index: Int, by size: UInt64) -> SegmentationOutcome {
    guard let block = processes[name]?[index].block else { return .ignored }
    if heap.extend(at: block.end, by: size) {
      processes[name]?[index].block.size += size
      return .done("\(block.address)-\(block.end + size)")
    }
    let enough = heap.freeSize >= size
    if let address = heap.allocate(block.size + size) {
      heap.free(block.address, block.size)
      movedBytes += block.size
      processes[name]?[index].block = FitHeap.Block(address: address, size: block.size + size)
      return .done("moves to \(address)-\(address + block.size + size)")
    }
    guard compacts, enough else { return .failed("no room", isFragmentation: enough) }
    // The one that grows goes last, next to all that is free.
    compact(last: (name, index))
    guard let moved = processes[name]?[index].block, heap.extend(at: moved.end, by: size) else {
      preconditionFailure("the last segment is not next to the free block")
    }
    processes[name]?[index].block.size += size
    return .done("\(moved.address)-\(moved.end + size) after compaction")
  }

  func reference(_ name: String, _ index: Int, _ offset: UInt64) -> SegmentationOutcome {
    guard let block = processes[name]?[index].block else { return .ignored }
    return offset < block.size ? .done("at \(block.address + offset)") : .fault
  }

  private mutating func place(_ size: UInt64, mayCompact: Bool) -> UInt64? {
    if let address = heap.allocate(size) { return address }
    guard compacts, mayCompact, heap.freeSize >= size else { return nil }
    compact(last: nil)
    return heap.allocate(size)
  }

  /// Moves all segments down, in address order, so that one free block is left at the top.
  private mutating func compact(last: (name: String, index: Int)?) {
    var all: [(name: String, index: Int, address: UInt64, isLast: Bool)] = []
    for (name, segments) in processes {
      for (index, segment) in segments.enumerated() {
        let isLast = last.map { $0.name == name && $0.index == index } ?? false
        all.append((name, index, segment.block.address, isLast))
      }
    }
    all.sort { $0.isLast == $1.isLast ? $0.address < $1.address : $1.isLast }
    var next = heap.base
    for segment in all {
      let size = processes[segment.name]?[segment.index].block.size ?? 0
      if next != segment.address { movedBytes += size }
      processes[segment.name]?[segment.index].block.address = next
      next += size
    }
    heap.becomeCompact()
    compactions += 1
  }
}

/// The same memory under paging: each segment is a run of pages, each page in any frame.
struct PagedMemory {
  let pageSize: UInt64
  private let frames: UInt64
  private(set) var usedFrames: UInt64 = 0
  /// The lengths of the segments of each process.
  private(set) var processes: [String: [UInt64]] = [:]

  /// Bytes of an entry of the page table.
  static var entryBytes: UInt64 { 8 }

  init(size: UInt64, pageSize: UInt64) {
    self.pageSize = pageSize
    frames = size / pageSize
  }

  var freeBytes: UInt64 { (frames - usedFrames) * pageSize }
  /// Bytes asked for.
  var usedBytes: UInt64 { processes.values.reduce(0) { $0 + $1.reduce(0, +) } }
  var grantedBytes: UInt64 { usedFrames * pageSize }
  /// One table a process, with an entry for each of its pages.
  var tableBytes: UInt64 { usedFrames * Self.entryBytes }

  private func pages(_ bytes: UInt64) -> UInt64 { (bytes + pageSize - 1) / pageSize }

  mutating func start(
    _ name: String, _ requests: [SegmentationScript.Request]
  ) -> SegmentationOutcome {
    let wanted = requests.reduce(0) { $0 + pages($1.size) }
    guard wanted <= frames - usedFrames else {
      return .failed("\(frames - usedFrames) of \(wanted) frames", isFragmentation: false)
    }
    usedFrames += wanted
    processes[name] = requests.map(\.size)
    return .done("\(wanted) frames")
  }

  mutating func exit(_ name: String) -> SegmentationOutcome {
    guard let sizes = processes.removeValue(forKey: name) else { return .ignored }
    usedFrames -= sizes.reduce(0) { $0 + pages($1) }
    return .done("gone")
  }

  mutating func grow(_ name: String, _ index: Int, by size: UInt64) -> SegmentationOutcome {
    guard let old = processes[name]?[index] else { return .ignored }
    let more = pages(old + size) - pages(old)
    guard more <= frames - usedFrames else {
      return .failed("\(frames - usedFrames) of \(more) frames", isFragmentation: false)
    }
    usedFrames += more
    processes[name]?[index] += size
    return .done("\(more) frames")
  }

  /// The hardware checks whole pages: the rest of the last one can be reached.
  func reference(_ name: String, _ index: Int, _ offset: UInt64) -> SegmentationOutcome {
    guard let size = processes[name]?[index] else { return .ignored }
    if offset >= pages(size) * pageSize { return .fault }
    return offset < size ? .done("page \(offset / pageSize)") : .beyondEnd
  }
}

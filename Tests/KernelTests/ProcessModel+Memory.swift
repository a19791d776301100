@testable import MMUKernel
import MMUMemory

// What the model makes of system calls on memory.

extension ProcessModel {
  func map(
    _ process: ModelProcess, _ address: UInt64, _ count: UInt64, _ permissions: UInt64,
    _ flags: UInt64, _ fd: Int, _ firstPage: Int
  ) -> Prediction {
    let range = address / 4096..<address / 4096 + count
    let isAnonymous = flags & 0x20 != 0
    let isShared = flags & 0xf == 1
    var description: ModelDescription?
    if !isAnonymous {
      guard let found = process.descriptors[fd] else { return .fails(.badDescriptor) }
      description = found
    }
    // MAP_FIXED_NOREPLACE
    if flags & 0x10_0000 != 0, range.contains(where: { process.pages[$0] != nil }) {
      return .fails(.exists)
    }
    if let description {
      if isShared && permissions & 2 != 0 && !description.isWritable {
        return .fails(.accessDenied)
      }
      if !description.isReadable { return .fails(.accessDenied) }
      if description.file == nil { return .fails(.noDevice) }
    }
    var file = description?.file
    if isAnonymous && isShared { file = ModelFile(isOnDisk: false, size: Int(count) * 4096) }
    for page in range {
      process.pages[page] = ModelledPage(
        permissions: permissions, file: file,
        filePage: Int(page - range.lowerBound) + (isAnonymous ? 0 : firstPage), isShared: isShared,
        isNeverWritten: isShared && description.map { !$0.isWritable } ?? false)
    }
    if flags & 0x8000 != 0 && permissions != 0 { populate(process, range) }
    return .value(Int64(address))
  }

  /// MAP_POPULATE and mlock: private pages that can be written get bytes of their own.
  ///
  /// Returns false at the first page that cannot be accessed.
  @discardableResult
  func populate(_ process: ModelProcess, _ range: Range<UInt64>) -> Bool {
    for number in range {
      guard let page = process.pages[number], page.isAccessible(writing: false) else {
        return false
      }
      if !page.isShared && page.permissions & 2 != 0 { process.pages[number]!.own = page.content }
    }
    return true
  }

  func protect(
    _ process: ModelProcess, _ range: Range<UInt64>, _ permissions: UInt64
  ) -> Prediction {
    for number in range {
      guard let page = process.pages[number] else { return .fails(.noMemory) }
      if permissions & 2 != 0 && page.isNeverWritten { return .fails(.accessDenied) }
      process.pages[number]!.permissions = permissions
    }
    return .value(0)
  }

  func advise(_ process: ModelProcess, _ range: Range<UInt64>, _ advice: UInt64) -> Prediction {
    let hole = process.firstHole(range)
    for number in range {
      guard let page = process.pages[number] else { continue }
      switch advice {
      case 4:
        if page.isLocked { return .fails(.invalid) }
        if !page.isShared { process.pages[number]!.own = nil }
      case 8:
        if page.isLocked || page.file != nil { return .fails(.invalid) }
        process.pages[number]!.isFreed = !page.isGuard
      case 102:
        if page.isLocked { return .fails(.invalid) }
        process.pages[number]!.own = nil
        process.pages[number]!.isFreed = false
        process.pages[number]!.isGuard = true
      case 103: process.pages[number]!.isGuard = false
      case 20, 21: if page.isLocked { return .fails(.invalid) }
      case 10: process.pages[number]!.isNotForked = true
      case 11: process.pages[number]!.isNotForked = false
      case 18:
        if page.file != nil { return .fails(.invalid) }
        process.pages[number]!.isWiped = true
      case 19: process.pages[number]!.isWiped = false
      default: break
      }
    }
    return hole == nil ? .value(0) : .fails(.noMemory)
  }

  func lock(_ process: ModelProcess, _ range: Range<UInt64>, _ value: Bool) -> Prediction {
    for number in range {
      if process.pages[number] == nil { return .fails(.noMemory) }
      process.pages[number]!.isLocked = value
    }
    return !value || populate(process, range) ? .value(0) : .fails(.noMemory)
  }

  func remap(
    _ process: ModelProcess, _ address: UInt64, _ old: UInt64, _ new: UInt64, _ flags: UInt64,
    _ target: UInt64
  ) -> Prediction {
    let isFixed = flags & 2 != 0
    if new == 0 { return .fails(.invalid) }
    if flags & 6 != 0 {
      if flags & 4 != 0 && old != new || flags & 1 == 0 { return .fails(.invalid) }
      if isFixed && target < address + old * 4096 && address < target + new * 4096 {
        return .fails(.invalid)
      }
    }
    let first = address / 4096
    guard let page = process.pages[first],
      // Where areas end is the kernel's business; that they are alike inside is checked elsewhere.
      let area = process.real.space?.area(at: VirtualAddress(address))
    else { return .fails(.badAddress) }
    if flags & 6 == 0 && new <= old {
      process.unmap(first + new..<first + old)
      return .value(Int64(address))
    }
    if isFixed && old == new {
      moveAll(process, first..<first + old, by: target / 4096 &- first, keepsOld: flags & 4 != 0)
      return .value(Int64(target))
    }
    if old == 0 && !page.isShared { return .fails(.invalid) }
    let last = area.end.rawValue / 4096
    if min(old, new) > last - first { return .fails(.badAddress) }
    if isFixed {
      process.unmap(target / 4096..<target / 4096 + new)
      if new < old { process.unmap(first + new..<first + old) }
      move(process, first, min(old, new), new, to: target / 4096, keepsOld: flags & 4 != 0)
      return .value(Int64(target))
    }
    let isLast = old > 0 && first + old == last
    if isLast && (last..<first + new).allSatisfy({ process.pages[$0] == nil }) {
      extend(process, first, from: old, to: new, at: first)
      return .value(Int64(address))
    }
    if flags & 1 == 0 { return .fails(.noMemory) }
    return .somewhere
  }

  /// Each area of a range goes to its place; what lies in the holes between them stays.
  private func moveAll(
    _ process: ModelProcess, _ range: Range<UInt64>, by distance: UInt64, keepsOld: Bool
  ) {
    let areas = process.real.space?.allAreas ?? []
    for area in areas {
      let first = max(area.start.rawValue / 4096, range.lowerBound)
      let end = min(area.end.rawValue / 4096, range.upperBound)
      if first >= end { continue }
      process.unmap(first &+ distance..<end &+ distance)
      move(process, first, end - first, end - first, to: first &+ distance, keepsOld: keepsOld)
    }
  }

  /// Pages behind a mapping, which go on where it ends.
  private func extend(
    _ process: ModelProcess, _ template: UInt64, from old: UInt64, to new: UInt64, at first: UInt64
  ) {
    guard var page = process.pages[template] else { return }
    let start = page.filePage
    page.own = nil
    page.isGuard = false
    for i in old..<max(old, new) {
      page.filePage = start + Int(i)
      process.pages[first + i] = page
    }
  }

  /// Moves pages, as mremap does once it knows where to.
  func move(
    _ process: ModelProcess, _ first: UInt64, _ old: UInt64, _ new: UInt64, to target: UInt64,
    keepsOld: Bool
  ) {
    extend(process, first, from: old, to: new, at: target)
    defer {
      // All of an area is unlocked of which a part has gone and left its pages' place.
      if keepsOld, let area = process.real.space?.area(at: VirtualAddress(first * 4096)) {
        for page in area.lower / 4096..<area.upper / 4096 {
          process.pages[page]?.isLocked = false
        }
      }
    }
    for i in 0..<old {
      process.pages[target + i] = process.pages[first + i]
      if keepsOld {
        if process.pages[first + i]?.isShared == false { process.pages[first + i]!.own = nil }
        process.pages[first + i]?.isGuard = false
      } else {
        process.pages[first + i] = nil
      }
    }
  }

  func setBreak(_ process: ModelProcess, _ wanted: UInt64) -> Prediction {
    let now = process.currentBreak
    if wanted < process.startBreak { return .value(Int64(now)) }
    let old = (now + 4095) / 4096
    let new = (wanted + 4095) / 4096
    if new < old {
      // Only if the heap is still there.
      if (new..<old).allSatisfy({ process.pages[$0] == nil }) { return .value(Int64(now)) }
      process.unmap(new..<old)
    } else if new > old {
      if (old...new).contains(where: { process.pages[$0] != nil }) { return .value(Int64(now)) }
      for page in old..<new { process.pages[page] = ModelledPage(permissions: 3) }
    }
    process.currentBreak = wanted
    return .value(Int64(wanted))
  }

  // MARK: System V shared memory

  func makeSegment(_ size: Int) -> Prediction {
    let id = segments.count
    segments.append(
      ModelSegment(file: ModelFile(isOnDisk: false, size: (size + 4095) & ~4095), size: size))
    return .value(Int64(id))
  }

  /// A removed segment lasts as long as somebody shows it.
  private func segment(_ id: Int) -> ModelSegment? {
    guard id < segments.count else { return nil }
    let segment = segments[id]
    if segment.isRemoved && !segment.isGone {
      let isShown = processes.values.contains { process in
        process.pages.values.contains { $0.file === segment.file }
      }
      if !isShown { segments[id].isGone = true }
    }
    return segments[id].isGone ? nil : segments[id]
  }

  func attach(
    _ process: ModelProcess, _ id: Int, _ address: UInt64, _ flags: UInt64
  ) -> Prediction {
    guard let segment = segment(id) else { return .fails(.invalid) }
    let range = address / 4096..<address / 4096 + UInt64(segment.file.pages)
    let replaces = flags & 0o40000 != 0
    if !replaces && range.contains(where: { process.pages[$0] != nil }) { return .fails(.invalid) }
    lastAttachment += 1
    let isReadOnly = flags & 0o10000 != 0
    for page in range {
      process.pages[page] = ModelledPage(
        permissions: isReadOnly ? 1 : 3, file: segment.file,
        filePage: Int(page - range.lowerBound), isShared: true, isNeverWritten: isReadOnly,
        attachment: lastAttachment)
    }
    return .value(Int64(address))
  }

  func detach(_ process: ModelProcess, _ address: UInt64) -> Prediction {
    func isMeant(_ number: UInt64, _ page: ModelledPage) -> Bool {
      page.attachment != 0 && number &- UInt64(page.filePage) == address / 4096
    }
    let candidates = process.pages.filter { isMeant($0.key, $0.value) && $0.key >= address / 4096 }
    guard let first = candidates.min(by: { $0.key < $1.key }) else { return .fails(.invalid) }
    for (number, page) in candidates where page.attachment == first.value.attachment {
      process.pages[number] = nil
    }
    return .value(0)
  }

  func removeSegment(_ id: Int) -> Prediction {
    if segment(id) == nil { return .fails(.invalid) }
    segments[id].isRemoved = true
    return .value(0)
  }
}

/// A System V segment.
struct ModelSegment {
  let file: ModelFile
  let size: Int
  var isRemoved = false
  var isGone = false
}

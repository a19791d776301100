import MMUKernel
import MMUMemory

/// Frames taken and given back: by the kernel's allocator, by the buddies alone, and by a core's list
/// in front of them.
var allocationWorkloads: [Workload] {
  let frames = 100_000
  let ram: UInt64 = 512 << 20
  let held = UnsafeMutablePointer<UInt64>.allocate(capacity: frames)
  /// Takes all and gives all back, in the order taken, or each at once.
  func buddies(_ name: String, _ summary: String, order: Int = 0, pairs: Bool) -> Workload {
    func work(_ buddies: inout BuddyAllocator) {
      if pairs {
        for _ in 0..<frames {
          if let page = buddies.allocate(order: order) { buddies.release(page, order: order) }
        }
      } else {
        for i in 0..<frames { held[i] = buddies.allocate(order: order) ?? 0 }
        for i in 0..<frames { buddies.release(held[i], order: order) }
      }
    }
    return Workload(name: name, event: "pair", summary: summary, count: frames) {
      var buddies = BuddyAllocator(pages: (ram >> 12) << UInt64(order))
      return { work(&buddies) }
    }
  }
  func listed(_ name: String, _ summary: String, pairs: Bool) -> Workload {
    func work(_ list: inout CoreFreeList, _ buddies: inout BuddyAllocator) {
      if pairs {
        for _ in 0..<frames {
          if let page = list.allocate(from: &buddies) { list.release(page, to: &buddies) }
        }
      } else {
        for i in 0..<frames { held[i] = list.allocate(from: &buddies) ?? 0 }
        for i in 0..<frames { list.release(held[i], to: &buddies) }
      }
    }
    return Workload(name: name, event: "pair", summary: summary, count: frames) {
      var buddies = BuddyAllocator(pages: ram >> 12)
      var list = CoreFreeList()
      return { work(&list, &buddies) }
    }
  }
  func kernel(_ name: String, _ summary: String, pairs: Bool) -> Workload {
    Workload(name: name, event: "pair", summary: summary, count: frames) {
      let allocator = FrameAllocator(PhysicalMemory(bytes: ram))
      return {
        if pairs {
          for _ in 0..<frames {
            if let frame = allocator.allocate(.anonymous) { allocator.release(frame) }
          }
        } else {
          for i in 0..<frames { held[i] = allocator.allocate(.anonymous)?.rawValue ?? 0 }
          for i in 0..<frames { allocator.release(FrameNumber(held[i])) }
        }
      }
    }
  }
  return [
    kernel("frame-pair", "FrameAllocator: a frame taken and released", pairs: true),
    kernel("frame-many", "FrameAllocator: 100,000 taken, then released", pairs: false),
    listed("list-pair", "CoreFreeList: a page taken and released", pairs: true),
    listed("list-many", "CoreFreeList: 100,000 taken, then released", pairs: false),
    buddies("buddy-pair", "BuddyAllocator: the same page, split and merged", pairs: true),
    buddies("buddy-many", "BuddyAllocator: 100,000 taken, then released", pairs: false),
    buddies("buddy-huge", "BuddyAllocator: blocks of order 9", order: 9, pairs: false),
  ]
}

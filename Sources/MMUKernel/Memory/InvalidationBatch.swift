import MMUMemory
import MMUPaging

/// Collects the invalidations one operation on an address space needs.
///
/// Up to 33 pages are invalidated one by one, more by dropping the whole context at once: Linux's
/// `tlb_single_page_flush_ceiling`. Only changes of present entries count; an entry that becomes
/// present was cached by nobody.
struct InvalidationBatch: ~Copyable {
  static var ceiling: Int { 33 }

  private let addresses: UnsafeMutablePointer<UInt64>
  private var count = 0

  init() { addresses = .allocate(capacity: Self.ceiling) }

  deinit { addresses.deallocate() }

  /// Notes that the present entry for a page changed in a way a cached copy must not outlive.
  @inline(__always)
  mutating func note(_ address: UInt64) {
    if count < Self.ceiling { addresses[count] = address }
    count &+= 1
  }

  /// Notes that a table was freed that mapped `span` bytes from `address`: structure caches may
  /// lead to it, which an invalidation of any page under it drops.
  mutating func noteTable(_ address: UInt64, span: UInt64) {
    if count > Self.ceiling { return }
    for i in 0..<min(count, Self.ceiling) where addresses[i] &- address < span { return }
    note(address)
  }

  /// Delivers them.
  func deliver(pcid: UInt16, in system: SystemMemory) {
    if count == 0 { return }
    let context = PCID(pcid)
    if count > Self.ceiling {
      system.deliver(.context(context))
    } else {
      for i in 0..<count {
        system.deliver(.address(VirtualAddress(truncating: addresses[i]), pcid: context))
      }
    }
  }
}

import MMUMemory
import MMUPaging

// From a frame to the entries that map it: what reclaim and migration start from, and what the tables
// are checked against.
//
// A page of a file is found through its inode, which knows the address spaces that show it. A private
// page is known by its family (an address space made by execve and all that came of it by fork) and its
// home page, the page number at which it was made: fork leaves it there, and an area moved by mremap
// remembers how far it has come. So no list has to be kept for a page, and fork copies none.

/// Where the reverse map begins to look for the mappings of a frame: for private memory the family and
/// the home page, for the page cache the inode's slot and the page of the file.
struct FrameHome: Equatable {
  let rawValue: UInt64

  static var pageBits: UInt64 { 36 }
  /// A frame that was mapped where its home does not say: by a user's own handler, twice.
  static var unknown: Self { Self(rawValue: .max) }

  init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always)
  init(_ owner: UInt32, page: UInt64) {
    rawValue = UInt64(owner) &<< Self.pageBits | page & (1 &<< Self.pageBits &- 1)
  }

  /// The family's number, or the inode's slot.
  var owner: UInt32 { UInt32(truncatingIfNeeded: rawValue >> Self.pageBits) }
  var page: UInt64 { rawValue & (1 << Self.pageBits - 1) }
}

/// The address spaces that may share private pages.
final class AddressSpaceFamily {
  /// Its place in `SystemMemory.families`.
  let number: UInt32
  fileprivate(set) var members: [AddressSpace] = []

  init(number: UInt32) { self.number = number }
}

extension SystemMemory {
  /// Notes a new address space, in a family of its own or that of its parent.
  func enter(_ space: AddressSpace) {
    space.slot = spaces.count
    spaces.append(space)
    space.familySlot = space.family.members.count
    space.family.members.append(space)
  }

  /// Forgets an address space that is no more.
  func leave(_ space: AddressSpace) {
    let last = spaces.removeLast()
    if last !== space {
      spaces[space.slot] = last
      last.slot = space.slot
    }
    let family = space.family
    let sibling = family.members.removeLast()
    if sibling !== space {
      family.members[space.familySlot] = sibling
      sibling.familySlot = space.familySlot
    }
    dropIfEmpty(family)
  }

  /// Forgets a family that has no members any more.
  func dropIfEmpty(_ family: AddressSpaceFamily) {
    guard family.members.isEmpty else { return }
    families[Int(family.number)] = nil
    freeFamilies.append(family.number)
  }

  /// A family without members yet.
  func makeFamily() -> AddressSpaceFamily {
    let number = freeFamilies.popLast() ?? UInt32(families.count)
    let family = AddressSpaceFamily(number: number)
    if number == families.count { families.append(family) } else { families[Int(number)] = family }
    return family
  }

  /// Calls `body` with each address space and address at which an entry maps a frame, until it returns
  /// false.
  ///
  /// - Complexity: for a private page members of its family, and areas of those that moved pages; for
  ///   a file's page areas of the address spaces that show the file.
  func forEachMapping(of frame: UInt64, _ body: (AddressSpace, UInt64) -> Bool) {
    let home = frames.home(of: frame)
    switch frames.use(of: FrameNumber(frame)) {
    case .anonymous:
      if home == .unknown { return }
      for space in families[Int(home.owner)]?.members ?? [] {
        if !space.forEachMapping(of: frame, homePage: home.page, { body(space, $0) }) { return }
      }
    case .cache:
      guard let inode = inodes[Int(home.owner)] else { return }
      for mapper in inode.mappers {
        let space = mapper.space
        if !space.forEachMapping(of: frame, page: home.page, of: inode, { body(space, $0) }) {
          return
        }
      }
    case .free, .kernel, .pageTable, .compressed, .hugePool: return
    }
  }
}

extension Inode {
  /// Where the frame of a page of the cache is at home.
  func home(of page: UInt64) -> FrameHome {
    guard let slot else { preconditionFailure("a file that can have no pages has one") }
    return FrameHome(UInt32(slot), page: page)
  }
}

extension AddressSpace {
  /// Notes where a new private page is at home.
  @inline(__always)
  func setHome(of frame: UInt64, _ area: VirtualMemoryArea, _ address: UInt64) {
    system.frames.setHome(of: frame, FrameHome(family.number, page: area.homePage(of: address)))
    system.frames.lists.enter(frame, .anonymous)
  }

  /// Whether an entry maps a frame at an address, accessible or not.
  private func maps(_ frame: UInt64, at address: UInt64) -> Bool {
    guard address < Self.userLimit, let entry = tables.view(of: address) else { return false }
    return entry & (1 | SoftwareEntry.inaccessible) != 0
      && (entry & PageTableEntry.addressMask) >> 12 == frame
  }

  /// The addresses at which this address space maps a private page; false if `body` ended it.
  fileprivate func forEachMapping(
    of frame: UInt64, homePage: UInt64, _ body: (UInt64) -> Bool
  ) -> Bool {
    let home = homePage << 12
    if maps(frame, at: home), !body(home) { return false }
    if !hasMovedPages { return true }
    var goesOn = true
    areas.forEach { area in
      let offset = (homePage &- area.home) & (1 << FrameHome.pageBits - 1)
      let address = area.lower &+ offset << 12
      if goesOn && offset < area.pages && address != home && maps(frame, at: address) {
        goesOn = body(address)
      }
    }
    return goesOn
  }

  /// The addresses at which this address space maps a page of a file; false if `body` ended it.
  fileprivate func forEachMapping(
    of frame: UInt64, page: UInt64, of inode: Inode, _ body: (UInt64) -> Bool
  ) -> Bool {
    var goesOn = true
    forEachArea(of: inode) { area in
      if page < area.pageOffset || page - area.pageOffset >= area.pages { return }
      let address = area.lower + (page - area.pageOffset) * pageBytes
      if goesOn && maps(frame, at: address) { goesOn = body(address) }
    }
    return goesOn
  }
}

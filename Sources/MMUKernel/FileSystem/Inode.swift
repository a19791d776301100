import MMUTiming

/// What a name in a directory stands for: a file, a directory, a device, a symbolic link.
///
/// It lives as long as a name leads to it or somebody holds it (an open file, an area, a current
/// directory); then its pages and blocks go back. The content of a regular file is its `pages`: one
/// frame for each page in memory, the same for read(), write() and every mapping.
final class Inode {
  /// The devices there are.
  enum Device: UInt64 {
    case null = 0x103
    case zero = 0x105
    case full = 0x107
    case random = 0x108
    case urandom = 0x109
  }

  enum Kind {
    case regular
    case directory
    case device(Device)
    case symbolicLink([UInt8])
    case report(ProcessReport)
    /// A device, fifo or socket of the host, which cannot be opened; its type bits of st_mode.
    case special(type: UInt32)
  }

  let kind: Kind
  let volume: Volume
  /// st_ino.
  var number: UInt64
  /// Permission bits of st_mode.
  var mode: UInt32
  /// Names that lead to it.
  var links = 0
  /// Who else needs it.
  private(set) var holds = 0
  /// Bytes of content.
  var size: UInt64 = 0
  var accessed: Cycles = 0
  var modified: Cycles = 0
  var changed: Cycles = 0
  /// A running program's file: opening it for writing is ETXTBSY, as for Linux's deny_write_access.
  var executions = 0
  /// Open files that may write it, for which it cannot be executed: ETXTBSY.
  var writers = 0
  /// A memfd's seals; nil if it takes none.
  var seals: UInt32?

  /// For a directory: what is in it, by increasing cookie, and what has been removed but keeps its
  /// place for a while.
  private(set) var entries: [DirectoryEntry] = []
  private var cookies: [[UInt8]: UInt64] = [:]
  var lastCookie: UInt64 = 2
  weak var parent: Inode?
  /// A directory's own name, for getcwd.
  var name: [UInt8] = []

  /// Frames by page, with `dirtyMark`: the page cache.
  var pages = PageTree()
  /// How many of them are dirty, since when there are any, and whether the flusher knows of them.
  var dirtyPages: UInt64 = 0
  var dirtySince: Cycles = 0
  var isQueuedForWriteback = false
  /// Block numbers plus one by page, of a file on a disk.
  var blocks = PageTree()
  /// When pages that reclaim has taken went, by page: bit 32 and the time on the clock of evictions.
  var shadows = PageTree()
  /// Why a page could not be brought back from swap.
  var swapFailure: Errno?
  /// How its pages are part of `Committed_AS`.
  var promise = FilePromise.none
  /// The last page was refused by the commit limit.
  var isPromiseRefused = false
  /// The file of the host it stands for.
  var host: HostLink?
  /// The first bytes of a file the host provides, for pages that have no block yet.
  ///
  /// Reading them does not wait for a disk: they are as good as cached.
  var provided: [UInt8] = []
  /// Address spaces with areas that show it: the reverse map.
  var mappers: [Mapper] = []
  /// Where it stands in `SystemMemory.inodes`; nil while it can have no pages.
  private(set) var slot: Int?

  /// An address space, and how many of its areas show the file.
  struct Mapper {
    unowned let space: AddressSpace
    var areas: Int
  }

  /// Makes an inode nobody holds and no name leads to.
  init(_ volume: Volume, _ kind: Kind, mode: UInt32, number: UInt64? = nil) {
    self.volume = volume
    self.kind = kind
    self.mode = mode
    self.number = number ?? volume.newNumber()
    if case .regular = kind, volume.host == nil {
      registerContent()
      if !volume.writesBack { promise = .perPage }
    }
    if case .symbolicLink(let target) = kind { size = UInt64(target.count) }
    volume.inodeCount += 1
  }

  deinit { volume.inodeCount -= 1 }

  var system: SystemMemory { volume.system }

  /// Whether its pages have to be written back to a disk.
  @inline(__always) var isOnDisk: Bool { volume.writesBack }

  var isDirectory: Bool { if case .directory = kind { true } else { false } }
  var isRegular: Bool { if case .regular = kind { true } else { false } }
  var isLink: Bool { if case .symbolicLink = kind { true } else { false } }

  /// Pages of content, the last one perhaps in part.
  @inline(__always) var pageCount: UInt64 { (size &+ 4095) / 4096 }

  /// Keeps it alive.
  func hold() { holds += 1 }

  /// Gives up what `hold` took.
  func release() {
    holds -= 1
    precondition(holds >= 0, "an inode is released more often than held")
    evictIfUnused()
  }

  /// Gives up one name.
  func unlink() {
    links -= 1
    evictIfUnused()
  }

  /// Returns what only somebody who holds it needs: the host's file, and without a name all of it.
  func evictIfUnused() {
    guard holds == 0, isRegular else { return }
    if host?.content != nil { return closeContent() }
    if links > 0 { return }
    precondition(mappers.isEmpty, "a file is evicted that areas show")
    dropPages(0..<1 << 52)
    takeBackPromise()
    unregisterContent()
  }

  /// Notes that it can have pages from now on.
  func registerContent() {
    if slot == nil { slot = system.register(self) }
  }

  /// Notes that it has none any more.
  func unregisterContent() {
    if let slot { system.unregister(slot) }
    slot = nil
  }

  /// Counts areas of an address space that show it.
  func changeAreas(of space: AddressSpace, by change: Int) {
    if let i = mappers.firstIndex(where: { $0.space === space }) {
      mappers[i].areas += change
      if mappers[i].areas == 0 { mappers.remove(at: i) }
    } else {
      mappers.append(Mapper(space: space, areas: change))
    }
  }

  /// st_mode: type and permissions.
  var fullMode: UInt32 {
    switch kind {
    case .regular, .report: 0o100000 | mode
    case .directory: 0o040000 | mode
    case .device: 0o020000 | mode
    case .symbolicLink: 0o120000 | mode
    case .special(let type): type | mode
    }
  }

  /// d_type of getdents64.
  var entryType: UInt8 { UInt8(truncatingIfNeeded: fullMode >> 12) }
}

/// A name in a directory.
struct DirectoryEntry {
  /// Its place for getdents64; grows with each name added.
  let cookie: UInt64
  let name: [UInt8]
  /// What it leads to; nil once it has been removed.
  fileprivate(set) var inode: Inode?
}

extension Inode {
  /// Whether a directory that is not the host's has no names.
  var isEmpty: Bool { cookies.isEmpty }

  /// What stands under a name.
  ///
  /// - Throws: what the host says, of a directory of its.
  func child(_ name: [UInt8]) throws(Errno) -> Inode? {
    if let host = volume.host { return try host.lookUp(name, in: self) }
    return self[name]
  }

  /// The entry of a name, of a directory that is not the host's.
  subscript(name: [UInt8]) -> Inode? {
    guard let cookie = cookies[name] else { return nil }
    return entries[position(of: cookie)].inode
  }

  /// The first entry whose cookie is at least this.
  func position(of cookie: UInt64) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].cookie < cookie { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds a name.
  ///
  /// - Precondition: this is a directory without that name.
  func add(_ name: [UInt8], _ inode: Inode) {
    lastCookie += 1
    cookies[name] = lastCookie
    entries.append(DirectoryEntry(cookie: lastCookie, name: name, inode: inode))
    inode.links += inode.isDirectory ? 2 : 1
    if inode.isDirectory {
      links += 1
      inode.parent = self
      inode.name = name
    }
  }

  /// Removes a name, and what it stood for if nothing else needs it.
  func remove(_ name: [UInt8]) {
    guard let cookie = cookies.removeValue(forKey: name) else { return }
    let position = position(of: cookie)
    guard let inode = entries[position].inode else { return }
    entries[position].inode = nil
    // Each removal pays for two places.
    if entries.count > 2 * cookies.count + 16 { entries.removeAll { $0.inode == nil } }
    if inode.isDirectory {
      links -= 1
      inode.links -= 2
    } else {
      inode.unlink()
    }
  }
}

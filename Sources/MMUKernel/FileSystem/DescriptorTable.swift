/// The descriptors of a process, or of several that share them (CLONE_FILES).
///
///     child.descriptors = parent.descriptors.copy()       // fork
///     child.descriptors = parent.descriptors.share()      // CLONE_FILES
///     process.descriptors = process.descriptors.ownForExec()  // execve
///     process.descriptors.release()                       // exit
final class DescriptorTable {
  private struct Slot {
    var file: OpenFile
    var closesOnExec: Bool
  }

  private var slots: [Slot?] = []
  private var holders = 1
  /// RLIMIT_NOFILE.
  var limit = 1024
  /// Descriptors that are open.
  private(set) var count = 0

  /// The open file of a descriptor.
  ///
  /// - Throws: EBADF if it is not open.
  @inline(__always)
  func file(_ descriptor: UInt64) throws(Errno) -> OpenFile {
    let number = Int(UInt32(truncatingIfNeeded: descriptor))
    guard number < slots.count, let slot = slots[number] else { throw .badDescriptor }
    return slot.file
  }

  /// The limit leaves no free descriptor.
  var isFull: Bool { count >= limit && slots.prefix(limit).allSatisfy { $0 != nil } }

  /// Gives a file the lowest free descriptor, and takes over the caller's hold on it.
  ///
  /// - Throws: EMFILE; the hold stays the caller's.
  func add(_ file: OpenFile, from lowest: Int = 0, closesOnExec: Bool) throws(Errno) -> UInt64 {
    var number = lowest
    while number < slots.count && slots[number] != nil { number += 1 }
    if number >= limit { throw .tooManyFiles }
    put(file, at: number, closesOnExec)
    return UInt64(number)
  }

  private func put(_ file: OpenFile, at number: Int, _ closesOnExec: Bool) {
    while slots.count <= number { slots.append(nil) }
    slots[number] = Slot(file: file, closesOnExec: closesOnExec)
    count += 1
  }

  /// Makes a descriptor another name for a file, closing what it stood for: dup3.
  func replace(_ number: Int, with file: OpenFile, closesOnExec: Bool) {
    file.hold()
    let old = number < slots.count ? slots[number] : nil
    if old != nil { count -= 1 }
    put(file, at: number, closesOnExec)
    old?.file.release()
  }

  /// Closes a descriptor.
  ///
  /// - Throws: EBADF if it is not open.
  func close(_ descriptor: UInt64) throws(Errno) {
    let file = try file(descriptor)
    slots[Int(UInt32(truncatingIfNeeded: descriptor))] = nil
    count -= 1
    file.release()
  }

  /// FD_CLOEXEC of a descriptor.
  func closesOnExec(_ descriptor: UInt64) throws(Errno) -> Bool {
    _ = try file(descriptor)
    return slots[Int(UInt32(truncatingIfNeeded: descriptor))]?.closesOnExec ?? false
  }

  /// Sets FD_CLOEXEC.
  func setClosesOnExec(_ descriptor: UInt64, _ value: Bool) throws(Errno) {
    _ = try file(descriptor)
    slots[Int(UInt32(truncatingIfNeeded: descriptor))]?.closesOnExec = value
  }

  /// Another table with the same open files, for fork: offsets stay shared.
  func copy() -> DescriptorTable {
    let copy = DescriptorTable()
    copy.slots = slots
    copy.limit = limit
    copy.count = count
    for slot in slots { slot?.file.hold() }
    return copy
  }

  /// This table once more, for CLONE_FILES.
  func share() -> DescriptorTable {
    holders += 1
    return self
  }

  /// Closes the descriptors marked FD_CLOEXEC.
  func closeForExec() {
    for number in slots.indices {
      guard let slot = slots[number], slot.closesOnExec else { continue }
      slots[number] = nil
      count -= 1
      slot.file.release()
    }
  }

  /// The table a program starts with: this one, or a copy if others share it, without the descriptors
  /// marked FD_CLOEXEC.
  func ownForExec() -> DescriptorTable {
    let own = holders == 1 ? self : copy()
    if own !== self { release() }
    own.closeForExec()
    return own
  }

  /// Gives up the table; the last user closes all.
  func release() {
    holders -= 1
    if holders > 0 { return }
    for number in slots.indices {
      guard let slot = slots[number] else { continue }
      slots[number] = nil
      count -= 1
      slot.file.release()
    }
  }

  /// Calls `body` with each open descriptor in order.
  func forEach(_ body: (Int, OpenFile) -> Void) {
    for number in slots.indices { if let slot = slots[number] { body(number, slot.file) } }
  }
}

/// The current directory and umask of a process, or of several that share them (CLONE_FS).
final class WorkingDirectory {
  private(set) var inode: Inode
  var umask: UInt32
  private var holders = 1

  /// Holds the directory.
  init(_ inode: Inode, umask: UInt32) {
    self.inode = inode
    self.umask = umask
    inode.hold()
  }

  /// This one once more, for CLONE_FS.
  func share() -> WorkingDirectory {
    holders += 1
    return self
  }

  /// Gives it up; the last user gives up the directory.
  func release() {
    holders -= 1
    if holders == 0 { inode.release() }
  }

  /// chdir.
  func change(to new: Inode) {
    new.hold()
    inode.release()
    inode = new
  }
}

/// What of a process concerns files: descriptors, current directory, umask.
struct FileContext {
  var descriptors: DescriptorTable
  private let place: WorkingDirectory

  var directory: Inode { place.inode }
  var umask: UInt32 {
    get { place.umask }
    nonmutating set { place.umask = newValue }
  }

  /// Takes over a table, and holds the directory.
  init(_ descriptors: DescriptorTable, directory: Inode) {
    self.init(descriptors, WorkingDirectory(directory, umask: 0o022))
  }

  private init(_ descriptors: DescriptorTable, _ place: WorkingDirectory) {
    self.descriptors = descriptors
    self.place = place
  }

  /// Another context for a child: with copies, or with the same descriptors or directory and umask.
  func copy(sharingDescriptors: Bool = false, sharingDirectory: Bool = false) -> FileContext {
    FileContext(
      sharingDescriptors ? descriptors.share() : descriptors.copy(),
      sharingDirectory ? place.share() : WorkingDirectory(directory, umask: umask))
  }

  /// chdir.
  func change(to new: Inode) { place.change(to: new) }

  /// Gives everything up.
  func release() {
    descriptors.release()
    place.release()
  }
}

import MMUMemory
import MMUTiming

// When dirty pages of files reach the disk without anybody asking: Linux's flusher threads and
// balance_dirty_pages, as far as one disk needs them.

/// The dirty pages of all files: how many, whose, and since when.
final class Writeback {
  /// Pages of all files that differ from their disk.
  private(set) var dirtyPages: UInt64 = 0
  /// Files that have some, those that have had them the longest first; and others that no longer have any.
  private var files: [Inode] = []
  /// The time now.
  var clock: () -> Cycles = { 0 }
  /// Called when the first page becomes dirty, and for each beyond `background`.
  var onNeed: () -> Void = {}
  /// More dirty pages than this are written at once.
  var background = UInt64.max

  /// A page of a file has become dirty.
  func noteDirty(_ inode: Inode) {
    if inode.dirtyPages == 0 {
      inode.dirtySince = clock()
      if !inode.isQueuedForWriteback { files.append(inode) }
      inode.isQueuedForWriteback = true
    }
    inode.dirtyPages += 1
    dirtyPages += 1
    if dirtyPages == 1 || dirtyPages > background { onNeed() }
  }

  /// A page of a file is clean again, or gone.
  func noteClean(_ inode: Inode) {
    inode.dirtyPages -= 1
    dirtyPages -= 1
  }

  /// Writes files that have been dirty since `time` or longer, and the oldest ones until no more than
  /// `background` pages are dirty.
  ///
  /// - Returns: how many pages were written.
  func flush(dirtySince time: Cycles) -> UInt64 {
    let before = dirtyPages
    // One that became dirty again stands at its old place.
    files.sort { $0.dirtySince < $1.dirtySince }
    for inode in files where inode.dirtyPages > 0 {
      if inode.dirtySince > time && dirtyPages <= background { break }
      // What could not be written is tried again an interval later; a file of the host that was kept open
      // for that can be closed then.
      if inode.sync(waits: false) == nil { inode.evictIfUnused() }
    }
    for inode in files where inode.dirtyPages == 0 { inode.isQueuedForWriteback = false }
    files.removeAll { $0.dirtyPages == 0 }
    return before - dirtyPages
  }
}

extension Kernel {
  /// Lets the flusher be woken.
  func prepareWriteback() {
    let writeback = system.writeback
    writeback.background =
      system.memory.frameCount / 100 * configuration.dirtyBackgroundPercent
    writeback.clock = { [unowned self] in now }
    writeback.onNeed = { [unowned self] in
      let isMuch = writeback.dirtyPages > writeback.background
      let time = isMuch ? max(now, diskBusyUntil) : now &+ configuration.writebackInterval
      flusherTime = min(flusherTime, time)
      // At the end of the trap: in its midst, entries and pages are being changed.
      if isMuch { needsAttention = true }
      refreshDeadline()
    }
  }

  /// The flusher: writes what has been dirty for long, and what is too much.
  ///
  /// It takes the disk for a while; nobody waits for that.
  func flush() {
    let time = now
    let expired = time > configuration.dirtyExpiry ? time - configuration.dirtyExpiry : 0
    let pages = system.writeback.flush(dirtySince: expired)
    if pages > 0 {
      diskBusyUntil = time &+ system.costs.diskRequest &+ pages &* system.costs.diskPage
    }
    flusherTime =
      system.writeback.dirtyPages == 0 ? .max : time &+ configuration.writebackInterval
    refreshDeadline()
  }

  /// Makes who runs wait for the flusher while far too much is dirty.
  func throttle() {
    let limit = system.memory.frameCount / 100 * configuration.dirtyPercent
    guard system.writeback.dirtyPages > limit, diskBusyUntil > now,
      let thread = currentThread, thread.state == .ready
    else { return }
    block(on: nil, until: diskBusyUntil, .device, interruptible: false)
  }
}

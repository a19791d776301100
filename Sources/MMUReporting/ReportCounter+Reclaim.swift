import MMUKit

extension ReportCounter {
  /// What memory pressure came to; all of them absent where there was none and is no swap.
  static let reclaim: [ReportCounter] = [
    Self("reclaim.scanned.daemon", "pages looked at by kswapd") {
      $0.memory.reclaim?.scannedByDaemon
    },
    Self("reclaim.scanned.direct", "pages looked at by processes that needed a frame") {
      $0.memory.reclaim?.scannedDirectly
    },
    Self("reclaim.freed.daemon", "pages freed by kswapd") { $0.memory.reclaim?.freedByDaemon },
    Self("reclaim.freed.direct", "pages freed by processes that needed a frame") {
      $0.memory.reclaim?.freedDirectly
    },
    Self("reclaim.daemonRuns", "times kswapd was woken") { $0.memory.reclaim?.daemonRuns },
    Self("reclaim.directReclaims", "times a process had to free memory itself") {
      $0.memory.reclaim?.directReclaims
    },
    Self("reclaim.files.clean", "clean pages of files dropped") {
      $0.memory.reclaim?.droppedClean
    },
    Self("reclaim.files.dirty", "dirty pages of files written and dropped") {
      $0.memory.reclaim?.droppedDirty
    },
    Self("reclaim.refaults.anonymous", "private or shared pages back after their eviction") {
      $0.memory.reclaim?.refaultsAnonymous
    },
    Self("reclaim.refaults.file", "pages of files back after their eviction") {
      $0.memory.reclaim?.refaultsFile
    },
    Self("reclaim.workingSet.anonymous", "of these, such as a fitting working set would keep") {
      $0.memory.reclaim?.activatedAnonymous
    },
    Self("reclaim.workingSet.file", "of these, such as a fitting working set would keep") {
      $0.memory.reclaim?.activatedFile
    },
    Self("reclaim.swap.readAhead", "pages read from swap beside the one wanted") {
      $0.memory.reclaim?.readAhead
    },
    Self("reclaim.swap.readAheadHits", "of these, pages wanted later") {
      $0.memory.reclaim?.readAheadHits
    },
    Self("reclaim.swap.failedOut", "writes to swap that failed") {
      $0.memory.reclaim?.failedWrites
    },
    Self("reclaim.swap.failedIn", "reads from swap that failed") {
      $0.memory.reclaim?.failedReads
    },
    Self("reclaim.compressed.stored", "pages of swap compressed (absent without zswap)") {
      $0.memory.reclaim?.compressed?.stored
    },
    Self("reclaim.compressed.sameFilled", "of these, pages of one repeated word") {
      $0.memory.reclaim?.compressed?.sameFilled
    },
    Self("reclaim.compressed.loaded", "pages of swap decompressed") {
      $0.memory.reclaim?.compressed?.loaded
    },
    Self("reclaim.compressed.incompressible", "pages that did not become small enough") {
      $0.memory.reclaim?.compressed?.incompressible
    },
    Self("reclaim.compressed.refused", "pages the pool had no frame for") {
      $0.memory.reclaim?.compressed?.refused
    },
    Self("reclaim.compressed.limitHits", "times the pool was found at its limit") {
      $0.memory.reclaim?.compressed?.limitHits
    },
    Self("reclaim.compressed.writtenBack", "pages moved from the pool to the disk") {
      $0.memory.reclaim?.compressed?.writtenBack
    },
    Self("reclaim.compressed.pages", "compressed pages at the end") {
      $0.memory.reclaim?.compressed?.pages
    },
    Self("reclaim.compressed.frames", "frames they took") {
      $0.memory.reclaim?.compressed?.frames
    },
    Self("reclaim.stalled.some", "cycles in which a process waited for memory") {
      $0.memory.reclaim?.stalledSome
    },
    Self("reclaim.stalled.full", "of these, cycles in which nothing else ran") {
      $0.memory.reclaim?.stalledFull
    },
  ]
}

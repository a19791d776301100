import MMUMemory

// buddyinfo, zoneinfo and slabinfo: the free blocks of the one zone there is, its watermarks, and the
// kernel's objects, in Linux's formats.

extension Kernel {
  /// The zone all RAM is in: what Linux calls on riscv64 the memory below 4 GiB, or, if there is
  /// more, the rest.
  var zoneName: String { system.memory.bytes <= 1 << 32 ? "DMA32" : "Normal" }

  /// /proc/buddyinfo: the free blocks of orders 0 to 10; what is larger counts as several of order 10.
  ///
  /// The frames in the core's list are in no block.
  var buddyText: String {
    let counts = system.frames.withBuddies { $0.blockCounts(upTo: 10) }
    return "Node 0, zone \(zoneName.padded(before: 8)) "
      + counts.map { String($0).padded(before: 6) + " " }.joined() + "\n"
  }

  /// /proc/zoneinfo.
  var zoneText: String {
    let use = system.memoryUse
    let frames = system.frames
    let marks = frames.watermarks
    let total = system.memory.frameCount
    func row(_ name: String, _ pages: UInt64) -> String {
      "      " + name.padded(to: 12) + " \(pages)\n"
    }
    var text = "Node 0, zone \(zoneName.padded(before: 8))\n  per-node stats\n"
    text += row("nr_anon_pages", use.anonymous) + row("nr_mapped", use.mapped)
    text += row("nr_file_pages", use.cached) + row("nr_dirty", system.writeback.dirtyPages)
    text += row("nr_shmem", use.inMemory) + row("nr_dirtied", system.dirtiedPages)
    text += row("nr_written", system.writtenPages)
    text += row("nr_page_table_pages", UInt64(system.tablePages))
    text += "  pages free     \(frames.available)\n"
    let pages: [(String, UInt64)] = [
      ("boost", 0), ("min", marks.min), ("low", marks.low), ("high", marks.high),
      ("spanned", total), ("present", total), ("managed", total), ("cma", 0),
    ]
    for (name, count) in pages { text += "        \(name.padded(to: 8)) \(count)\n" }
    text += "        protection: (0, 0, 0)\n" + row("nr_free_pages", frames.available)
    let list = frames.coreList
    text += "  pagesets\n    cpu: 0\n"
    for (name, count) in [("count", list.count), ("high", list.high), ("batch", list.batch)] {
      text += "              " + (name + ":").padded(to: 10) + "\(count)\n"
    }
    return text + "  node_unreclaimable:  0\n  start_pfn:           0\n"
  }

  /// /proc/slabinfo.
  var slabText: String {
    let tasks = processTable.values.reduce(0) { $0 + max(1, $1.threadCount) }
    let areas = system.spaces.reduce(0) { $0 + $1.areas.count }
    let caches: [(SlabCache, Int)] = [
      (.openFile, system.openFiles), (.inode, tree.inodeCount), (.area, areas), (.task, tasks),
      (.addressSpace, system.spaces.count),
    ]
    return SlabCache.heading + caches.map { cache, objects in cache.row(objects: objects) }.joined()
  }
}

/// A kind of the kernel's objects, as a cache of Linux's slab allocator.
///
/// The objects live in Swift's heap and take no frames of the machine: the slabs are those that
/// Linux 6.18 would need for them on a 64-bit machine, none of them partly empty but the last.
struct SlabCache {
  /// The name of the structure in Linux.
  let name: String
  /// Bytes an object takes in a slab.
  let objectSize: Int
  /// log2 of the pages of a slab.
  let order: Int

  static let openFile = SlabCache(name: "filp", objectSize: 192, order: 0)
  static let inode = SlabCache(name: "inode_cache", objectSize: 624, order: 1)
  static let area = SlabCache(name: "vm_area_struct", objectSize: 192, order: 0)
  static let task = SlabCache(name: "task_struct", objectSize: 5888, order: 3)
  static let addressSpace = SlabCache(name: "mm_struct", objectSize: 1600, order: 3)

  /// Objects a slab has room for.
  var objectsPerSlab: Int { 4096 << order / objectSize }

  /// The first two lines of /proc/slabinfo.
  static let heading = """
    slabinfo - version: 2.1
    # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> \
    : tunables <limit> <batchcount> <sharedfactor> \
    : slabdata <active_slabs> <num_slabs> <sharedavail>

    """

  /// The line of a cache with so many objects in use.
  func row(objects: Int) -> String {
    let slabs = (objects + objectsPerSlab - 1) / objectsPerSlab
    func field(_ value: Int, _ width: Int) -> String { " " + String(value).padded(before: width) }
    return name.padded(to: 17) + field(objects, 6) + field(slabs * objectsPerSlab, 6)
      + field(objectSize, 6) + field(objectsPerSlab, 4) + field(1 << order, 4)
      + " : tunables" + field(0, 4) + field(0, 4) + field(0, 4)
      + " : slabdata" + field(slabs, 6) + field(slabs, 6) + field(0, 6) + "\n"
  }
}

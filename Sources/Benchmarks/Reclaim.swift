import MMUKernel
import MMUMemory
import MMUPaging

/// What memory pressure costs the host: a page on its way out, on its way in, and one looked at.
var reclaimWorkloads: [Workload] {
  let pages: UInt64 = 16_384
  /// A kernel with swap and an area whose pages are all written.
  func trapper(_ policy: ReclaimPolicyKind = .twoList, zswap: UInt64 = 0) -> (Trapper, UInt64) {
    let trapper = Trapper {
      $0.swapPages = 4 * pages
      $0.reclaimPolicy = policy
      $0.compressedSwapPercent = zswap
    }
    let area = trapper.map(pages)
    trapper.touchAll(area, pages, .write)
    return (trapper, area)
  }
  let pageOut: UInt64 = 21
  func moves(
    _ name: String, out: Bool, zswap: UInt64, _ summary: String
  ) -> Workload {
    Workload(name: name, event: "page", summary: summary, count: Int(pages)) {
      let (trapper, area) = trapper(zswap: zswap)
      let goOut = { _ = trapper.call(233, area, pages * 4096, pageOut) }
      let comeIn = { trapper.touchAll(area, pages, .write) }
      return out ? (reset: comeIn, run: goOut) : (reset: goOut, run: comeIn)
    }
  }
  return [
    moves("swap-out", out: true, zswap: 0, "written pages to swap, its copy included"),
    moves("swap-in", out: false, zswap: 0, "written again, read from swap with their neighbours"),
    moves("zswap-out", out: true, zswap: 20, "pages of zeros to compressed swap"),
    moves("zswap-in", out: false, zswap: 20, "written again, from compressed swap"),
    Workload(
      name: "reclaim-scan", event: "page", summary: "accessed pages looked at, which all stay",
      count: Int(pages)
    ) {
      let (trapper, area) = trapper(.clock)
      return (
        // More pages than the TLBs hold: each is walked to, which sets A.
        reset: { trapper.touchAll(area, pages, .read) },
        run: {
          let looked = trapper.kernel.system.scan(.anonymous, pages)
          precondition(looked == pages, "pages are missing")
        }
      )
    },
  ]
}

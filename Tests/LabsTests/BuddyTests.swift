import MMUAssembly
import Testing

@testable import MMULabs

@Suite struct BuddyScriptTests {
  @Test func `a replay tells splits, merges and both kinds of fragmentation`() throws {
    let text = """
      alloc a 0
      alloc b 5000B
      free a
      alloc c 2
      alloc d 3p
      free c
      free b
      """
    let script = try BuddyScript([UInt8](text.utf8), name: "t", maximumOrder: 3)
    #expect(
      script.replay() == """
        buddies, order 3: 8 pages, 32 KiB
          alloc a 0      0, splits 0-7 0-3 0-1
                           free: order 0: 1; order 1: 2-3; order 2: 4-7
          alloc b 5000B  2-3
                           free: order 0: 1; order 2: 4-7
          free a         0, merges 0-1
                           free: order 1: 0-1; order 2: 4-7
          alloc c 2      4-7
                           free: order 1: 0-1
          alloc d 3p     fails
                           free: order 1: 0-1
          free c         4-7
                           free: order 1: 0-1; order 2: 4-7
          free b         2-3, merges 0-3 0-7
                           free: order 3: 0-7

        requests                       4
        failed                         1
          though enough was free       0
        splits                         3
        merges                         3
        free pages at the end          8
          largest block                8
        external fragmentation      0.0%
        internal fragmentation         -
          of all that was granted  11.1%

        order                    0      1      2      3
        free blocks              0      0      0      1
        unusable free space  0.000  0.000  0.000  0.000

        """)
  }

  @Test func `orders and sizes that cannot be are told with their place`() {
    let text = """
      alloc a 4
      alloc b 9p
      alloc c 33K
      alloc d -1
      alloc e 0p
      alloc f 12Q
      alloc g 3
      alloc g 3
      free h
      merge g
      """
    let found = complaints { () throws(LabFailure) in
      _ = try BuddyScript([UInt8](text.utf8), name: "t", maximumOrder: 3)
    }
    #expect(
      found == [
        "1:9 order 4 is not 0 to 3", "2:9 9p needs a block of order 4; the memory has 3",
        "3:9 33K needs a block of order 4; the memory has 3", "4:9 order -1 is not 0 to 3",
        "5:9 '0p' is no number of pages", "6:9 '12Q' is no size",
        "8:7 'g' is allocated already", "9:6 'h' is not allocated here",
        "10:1 'merge' is no command",
      ])
  }
}

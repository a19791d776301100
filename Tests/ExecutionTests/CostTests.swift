import Foundation
import MMUAssembly
import MMUKit
import TestSupport
import Testing

@Suite struct CostTests {
  @Test func `hello costs what section 7 of Spec Kernel adds up`() throws {
    let path = "Programs/hello.s"
    let source = try Data(contentsOf: URL(fileURLWithPath: repositoryRoot() + "/" + path))
    let assembled = try Assembler.assemble(source: [UInt8](source), name: path).get()
    let machine = try Machine(
      program: ELFImage(reading: assembled.bytes), path: path, host: MemoryHostIO())
    let c = CostModel()
    // Nine instructions, of which two are ECALLs.
    let core = 7 * c.alu + 2 * c.system
    let entries = 2 * c.exceptionEntry + 2 * c.systemCallEntry + 3 * c.faultHandling
    let frames = 19 * c.frameAllocation + 8 * c.pageZero + 2 * c.pageCopy
    let rest = 47 * c.copyWord + 7 * c.areaOperation + 18 * c.entryEdit
    let mmu = 4 * c.invalidateMany + 4 * c.walkStart + 10 * c.entryRead
    #expect(machine.run().statistics.cycles == core + entries + frames + rest + mmu)
  }
}

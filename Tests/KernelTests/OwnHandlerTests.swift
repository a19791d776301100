import MMUKernel
import MMUMemory
import MMUPaging
import Testing

/// Maps a frame of zeros on the first touch of each page, and counts how often.
final class DemandZero: PageFaultHandler {
  var faults = 0

  func handle(
    _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
  ) -> FaultOutcome {
    faults += 1
    guard let area = services.area(at: fault.address), area.permissions.allow(fault.access.kind)
    else { return .signal(SignalInformation(.segmentationFault, .notMapped)) }
    // Pages of the program's file are left to the kernel.
    guard area.isAnonymous else { return services.handleByDefault(fault) }
    guard let frame = services.allocateFrame() else { return .outOfMemory }
    services.map(fault.address.page, to: frame, area.permissions)
    return .resume
  }
}

@Test func `my handler is asked once for each page`() throws {
  var services = try KernelServices(ram: 16 << 20)
  let start = VirtualAddress(0x10000)
  try services.space.insert(VirtualMemoryArea(start, pages: 4, permissions: [.read, .write]))
  let handler = DemandZero()
  #expect(services.touch(VirtualAddress(0x10123), .write, handler: handler) == .resume)
  #expect(services.touch(VirtualAddress(0x10ff8), .read, handler: handler) == .resume)
  #expect(services.touch(VirtualAddress(0x12000), .write, handler: handler) == .resume)
  #expect(handler.faults == 2)
  let nowhere = services.touch(VirtualAddress(0x14000), .read, handler: handler)
  #expect(nowhere == .signal(SignalInformation(.segmentationFault, .notMapped)))
}

@Suite struct OwnHandlerTests {
  @Test func `a handler can lean on the kernel's own`() throws {
    struct Logging: PageFaultHandler {
      func handle(
        _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
      ) -> FaultOutcome { services.handleByDefault(fault) }
    }
    var services = try KernelServices(ram: 16 << 20)
    try services.space.insert(
      VirtualMemoryArea(VirtualAddress(0x10000), pages: 1, permissions: [.read, .write]))
    #expect(services.touch(VirtualAddress(0x10000), .read, handler: Logging()) == .resume)
    #expect(services.space.residentAnonymous == 0)
    #expect(services.touch(VirtualAddress(0x10000), .write, handler: Logging()) == .resume)
    #expect(services.space.residentAnonymous == 1)
    let fetch = services.touch(VirtualAddress(0x10000), .fetch, handler: Logging())
    #expect(
      fetch == .signal(SignalInformation(.segmentationFault, .accessDenied, address: 0x10000)))
    #expect(services.space.system.checkInvariants() == nil)
    services.space.destroy()
    #expect(services.space.system.leakedFrames == 0)
  }

  @Test func `what a handler unmaps or protects takes effect at once`() throws {
    var services = try KernelServices(ram: 16 << 20)
    let handler = DemandZero()
    let address = VirtualAddress(0x10000)
    try services.space.insert(VirtualMemoryArea(address, pages: 1, permissions: [.read, .write]))
    #expect(services.touch(address, .write, handler: handler) == .resume)
    services.unmap(address.page)
    #expect(services.touch(address, .write, handler: handler) == .resume)
    #expect(handler.faults == 2)
    services.protect(address.page, .read)
    #expect(services.touch(address, .read, handler: handler) == .resume)
    #expect(handler.faults == 2)
    #expect(services.touch(address, .write, handler: handler) == .resume)
    #expect(handler.faults == 3)
    #expect(services.space.residentAnonymous == 1)
    #expect(services.space.system.checkInvariants() == nil)
  }

  @Test func `a kernel uses the handler it is given, and names a fault loop`() throws {
    struct Lazy: PageFaultHandler {
      func handle(
        _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
      ) -> FaultOutcome { .resume }
    }
    let bench = try Bench { $0.pageFaultHandler = Lazy() }
    #expect(!bench.touch(Bench.data))
    #expect(bench.kernel.exitStatus == .killed(.segmentationFault))
    #expect(bench.messages.last?.text.contains("fault loop: the same access faulted 101") == true)
    #expect(bench.finish() == nil)

    let counting = DemandZero()
    let other = try Bench { $0.pageFaultHandler = counting }
    #expect(other.touch(Bench.data))
    #expect(other.call(Number.write, 1, Bench.data + 8192, 4) == 4)
    #expect(counting.faults == 2)
    #expect(other.finish() == nil)
  }

  @Test func `a handler can make the program wait for a device`() throws {
    struct Disk: PageFaultHandler {
      func handle(
        _ fault: PageFault, frame: TrapFrame, services: inout KernelServices
      ) -> FaultOutcome {
        services.handleByDefault(fault) == .resume ? .wait(.device(cycles: 100_000)) : .outOfMemory
      }
    }
    let bench = try Bench { $0.pageFaultHandler = Disk() }
    let before = bench.clock
    #expect(bench.touch(Bench.data))
    #expect(bench.process.majorFaults == 1)
    #expect(bench.clock > before + 100_000)
    #expect(bench.process.systemCycles < 50_000)
  }
}

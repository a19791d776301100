import MMUKit
import Testing

@testable import MMUReporting

/// Areas as a real Linux had them, and what its pmap (procps-ng 4.0.2) printed of them.
@Suite struct ProcessTextTests {
  private func area(
    _ start: UInt64, _ pages: UInt64, _ permissions: MemoryPermissions, _ name: String,
    shared: Bool = false, device: UInt64 = 0, inode: UInt64 = 0, offset: UInt64 = 0,
    resident: UInt64 = 0, dirty: UInt64 = 0
  ) -> AreaSnapshot {
    var area = AreaSnapshot(start: start, pages: pages, permissions: permissions)
    area.isShared = shared
    area.offset = offset
    area.device = device
    area.inode = inode
    area.name = name
    area.residentPages = resident
    area.dirtyPages = dirty
    return area
  }

  private var areas: [AreaSnapshot] {
    [
      area(
        0x5592_1826_8000, 1, [.read, .execute], "/tmp/obs_t", device: 0xfe00, inode: 7,
        offset: 4096, resident: 1, dirty: 1),
      area(0x5592_4b92_5000, 2, [.read, .write], "[heap]"),
      area(
        0x7f27_4b2e_5000, 1, [], "/dev/zero (deleted)", shared: true, device: 1, inode: 2849),
      area(
        0x7f27_4b2e_6000, 2, [.read], "/memfd:mm (deleted)", shared: true, device: 1, inode: 2848),
      area(
        0x7f27_4b2e_8000, 2, [.read, .write], "/SYSV00000000 (deleted)", shared: true, device: 1,
        inode: 3),
      area(0x7f27_4b2f_6000, 2, [.read, .execute], "[vdso]", resident: 1),
      area(0x7ffe_585f_8000, 33, [.read, .write], "[stack]", resident: 4, dirty: 4),
    ]
  }

  private var process: ProcessSnapshot {
    var process = ProcessSnapshot(pid: 23504, parent: 1, name: "obs_t", state: "R")
    process.commandLine = ["/tmp/obs_t", "a b", "x\ty"]
    return process
  }

  @Test func `pmap without options`() {
    #expect(
      ProcessText.map(process, areas, .plain) == """
        23504:   /tmp/obs_t a b x?y
        0000559218268000      4K r-x-- obs_t
        000055924b925000      8K rw---   [ anon ]
        00007f274b2e5000      4K ---s- zero (deleted)
        00007f274b2e6000      8K r--s- memfd:mm (deleted)
        00007f274b2e8000      8K rw-s-   [ shmid=0x3 ]
        00007f274b2f6000      8K r-x--   [ anon ]
        00007ffe585f8000    132K rw---   [ stack ]
         total              172K

        """)
  }

  @Test func `pmap -x`() {
    #expect(
      ProcessText.map(process, areas, .extended) == """
        23504:   /tmp/obs_t a b x?y
        Address           Kbytes     RSS   Dirty Mode  Mapping
        0000559218268000       4       4       4 r-x-- obs_t
        000055924b925000       8       0       0 rw---   [ anon ]
        00007f274b2e5000       4       0       0 ---s- zero (deleted)
        00007f274b2e6000       8       0       0 r--s- memfd:mm (deleted)
        00007f274b2e8000       8       0       0 rw-s-   [ shmid=0x3 ]
        00007f274b2f6000       8       4       0 r-x--   [ anon ]
        00007ffe585f8000     132      16      16 rw---   [ stack ]
        ---------------- ------- ------- -------\(" ")
        total kB             172      24      20

        """)
  }

  @Test func `pmap -d`() {
    #expect(
      ProcessText.map(process, areas, .device) == """
        23504:   /tmp/obs_t a b x?y
        Address           Kbytes Mode  Offset           Device    Mapping
        0000559218268000       4 r-x-- 0000000000001000 0fe:00000 obs_t
        000055924b925000       8 rw--- 0000000000000000 000:00000   [ anon ]
        00007f274b2e5000       4 ---s- 0000000000000000 000:00001 zero (deleted)
        00007f274b2e6000       8 r--s- 0000000000000000 000:00001 memfd:mm (deleted)
        00007f274b2e8000       8 rw-s- 0000000000000000 000:00001   [ shmid=0x3 ]
        00007f274b2f6000       8 r-x-- 0000000000000000 000:00000   [ anon ]
        00007ffe585f8000     132 rw--- 0000000000000000 000:00000   [ stack ]
        mapped: 172K    writeable/private: 140K    shared: 20K

        """)
  }

  @Test func `top's table takes every time from the clock given`() {
    var first = ProcessSnapshot(pid: 2, parent: 1, name: "first", state: "S")
    first.virtualPages = 36
    first.residentPages = 10
    first.sharedPages = 1
    first.cycles = 3_000_000_000 * 61 + 4500
    first.age = first.cycles * 2
    first.minorFaults = 12
    let second = ProcessSnapshot(pid: 4_194_303, parent: 2, name: "se\u{1b}ond", state: "Z")
    #expect(
      ProcessText.table(
        [first, second], MemorySnapshot(total: 2560, free: 2048, cached: 128),
        clock: 366_000_009_000, cyclesPerSecond: 3_000_000_000)
          == """
          top - 366,000,009,000 cycles, up 2:02.000003
          Tasks:   2 total,   0 running,   1 sleeping,   0 stopped,   1 zombie
          MiB Mem :     10.0 total,      8.0 free,      1.5 used,      0.5 buff/cache

              PID    PPID S    VIRT    RES    SHR  %CPU        TIME+  MINFLT  MAJFLT COMMAND
                2       1 S     144     40      4  50.0  1:01.000001      12       0 first
          4194303       2 Z       0      0      0   0.0  0:00.000000       0       0 se?ond

          """)
  }
}

@testable import MMUKernel
import MMUMemory
import MMUPaging

// What the tests of files add to `Bench`: paths, buffers and the numbers of the calls.

enum FileNumber {
  static let getcwd: UInt64 = 17
  static let dup: UInt64 = 23
  static let dup3: UInt64 = 24
  static let fcntl: UInt64 = 25
  static let mkdirat: UInt64 = 34
  static let unlinkat: UInt64 = 35
  static let symlinkat: UInt64 = 36
  static let linkat: UInt64 = 37
  static let truncate: UInt64 = 45
  static let ftruncate: UInt64 = 46
  static let faccessat: UInt64 = 48
  static let chdir: UInt64 = 49
  static let openat: UInt64 = 56
  static let close: UInt64 = 57
  static let getdents64: UInt64 = 61
  static let lseek: UInt64 = 62
  static let pread64: UInt64 = 67
  static let pwrite64: UInt64 = 68
  static let readlinkat: UInt64 = 78
  static let newfstatat: UInt64 = 79
  static let fstat: UInt64 = 80
  static let fsync: UInt64 = 82
  static let fadvise64: UInt64 = 223
  static let msync: UInt64 = 227
  static let mincore: UInt64 = 232
  static let renameat2: UInt64 = 276
  static let memfdCreate: UInt64 = 279
}

/// AT_FDCWD.
let here = UInt64(bitPattern: -100)
let readOnly: UInt64 = 0
let writeOnly: UInt64 = 1
let readWrite: UInt64 = 2
let create: UInt64 = 0x40
let exclusive: UInt64 = 0x80
let truncating: UInt64 = 0x200
let appending: UInt64 = 0x400

extension Bench {
  /// A page of the program that holds a path.
  static let pathPage: UInt64 = 0x3000_0000
  /// Sixteen pages of the program for data.
  static let bufferPages: UInt64 = 0x3100_0000

  /// Maps the pages above.
  func prepareFiles() {
    map(2, at: Self.pathPage, flags: 0x10)
    map(16, at: Self.bufferPages, flags: 0x10)
  }

  /// Puts bytes into the program's memory.
  func put(_ bytes: [UInt8], at address: UInt64) {
    var done = 0
    while done < bytes.count {
      let at = address + UInt64(done)
      guard let place = place(at, .write) else { return }
      let part = min(bytes.count - done, Int(4096 - at & 4095))
      memory.willWrite(place.frame)
      bytes.withUnsafeBytes {
        (memory.base + Int(place.rawValue)).copyMemory(
          from: $0.baseAddress! + done, byteCount: part)
      }
      done += part
    }
  }

  /// Takes bytes out of the program's memory.
  func take(_ count: Int, at address: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let at = address + UInt64(bytes.count)
      guard let place = place(at, .read) else { return bytes }
      let part = min(count - bytes.count, Int(4096 - at & 4095))
      bytes += UnsafeRawBufferPointer(start: memory.base + Int(place.rawValue), count: part)
    }
    return bytes
  }

  /// The address of a path.
  func path(_ text: String, second: Bool = false) -> UInt64 {
    let address = Self.pathPage + (second ? 4096 : 0)
    put(Array(text.utf8) + [0], at: address)
    return address
  }

  /// openat in the current directory, mode 0644.
  func open(_ name: String, _ flags: UInt64 = readWrite | create) -> Int64 {
    call(FileNumber.openat, here, path(name), flags, 0o644)
  }

  func pwrite(_ fd: Int64, _ bytes: [UInt8], at offset: UInt64) -> Int64 {
    put(bytes, at: Self.bufferPages)
    return call(
      FileNumber.pwrite64, UInt64(fd), Self.bufferPages, UInt64(bytes.count), offset)
  }

  func pread(_ fd: Int64, _ count: Int, at offset: UInt64) -> [UInt8] {
    let got = call(FileNumber.pread64, UInt64(fd), Self.bufferPages, UInt64(count), offset)
    return got > 0 ? take(Int(got), at: Self.bufferPages) : []
  }

  /// A file of pages filled with `first`, `first + 1`, ...
  func makeFile(_ name: String, pages: Int, first: UInt8 = 1) -> Int64 {
    let fd = open(name, readWrite | create | truncating)
    for i in 0..<pages {
      _ = pwrite(
        fd, [UInt8](repeating: first &+ UInt8(truncatingIfNeeded: i), count: 4096),
        at: UInt64(i) * 4096)
    }
    return fd
  }

  /// mmap of a file.
  func mapFile(
    _ fd: Int64, pages: UInt64, shared: Bool, protection: UInt64 = 3, at: UInt64 = 0,
    offset: UInt64 = 0
  ) -> UInt64 {
    let flags: UInt64 = (shared ? 1 : 2) | (at == 0 ? 0 : 0x10)
    return UInt64(
      bitPattern: call(
        Number.mmap, at, pages * 4096, protection, flags, UInt64(bitPattern: fd), offset))
  }

  /// Writes the file back and drops it from the cache.
  func dropCache(_ fd: Int64) {
    call(FileNumber.fsync, UInt64(fd))
    call(FileNumber.fadvise64, UInt64(fd), 0, 0, 4)
  }

  /// mincore as zeros and ones.
  func residency(_ address: UInt64, pages: Int) -> String {
    guard
      call(FileNumber.mincore, address, UInt64(pages) * 4096, Self.bufferPages + 0xf000) == 0
    else { return "error" }
    return take(pages, at: Self.bufferPages + 0xf000).map { $0 & 1 == 1 ? "1" : "0" }.joined()
  }

  /// Minor and major faults of some work.
  func faults(_ work: () -> Void) -> [UInt64] {
    let minor = process.minorFaults
    let major = process.majorFaults
    work()
    return [process.minorFaults - minor, process.majorFaults - major]
  }
}

// The one file that imports the host's C library. Everything else asks here, so a new platform is a
// matter of this page.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the emulator needs of the host: memory, descriptors, files, signals, a clock.
package enum Platform {
  /// Maps zeroed, lazily backed memory; ends the process if the host refuses.
  package static func map(bytes: UInt64, hugePages: Bool) -> UnsafeMutableRawPointer {
    #if canImport(Darwin)
      let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #endif
    let pointer = mmap(nil, Int(bytes), PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let pointer, pointer != MAP_FAILED else {
      preconditionFailure("the host cannot map \(bytes) bytes")
    }
    #if os(Linux)
      if hugePages { _ = madvise(pointer, Int(bytes), 14 /* MADV_HUGEPAGE */) }
    #endif
    return pointer
  }

  /// Returns memory of `map`.
  package static func unmap(_ pointer: UnsafeMutableRawPointer, bytes: UInt64) {
    _ = munmap(pointer, Int(bytes))
  }

  /// Reads at most `count` bytes from a host descriptor: the number read, or minus errno.
  package static func read(
    _ descriptor: Int32, _ target: UnsafeMutableRawPointer, _ count: Int
  ) -> Int {
    let n = Foreign.read(descriptor, target, count)
    return n < 0 ? -Int(errno) : n
  }

  /// Writes at most `count` bytes to a host descriptor: the number written, or minus errno.
  package static func write(
    _ descriptor: Int32, _ source: UnsafeRawPointer, _ count: Int
  ) -> Int {
    let n = Foreign.write(descriptor, source, count)
    return n < 0 ? -Int(errno) : n
  }

  /// Makes a write to a closed pipe an error instead of the end of the process.
  package static func ignoreBrokenPipe() { _ = signal(SIGPIPE, SIG_IGN) }

  /// Tells whether a descriptor is a terminal.
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Monotonic host time in nanoseconds: for `--host` and benchmarks only, never for the guest.
  package static func nanoseconds() -> UInt64 {
    var time = timespec()
    _ = clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// The C functions whose names `Platform` uses itself.
private enum Foreign {
  static func read(_ d: Int32, _ p: UnsafeMutableRawPointer, _ n: Int) -> Int {
    #if canImport(Glibc)
      return Glibc.read(d, p, n)
    #elseif canImport(Musl)
      return Musl.read(d, p, n)
    #else
      return Darwin.read(d, p, n)
    #endif
  }

  static func write(_ d: Int32, _ p: UnsafeRawPointer, _ n: Int) -> Int {
    #if canImport(Glibc)
      return Glibc.write(d, p, n)
    #elseif canImport(Musl)
      return Musl.write(d, p, n)
    #else
      return Darwin.write(d, p, n)
    #endif
  }
}

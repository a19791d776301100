import MMUMemory

/// A swap area in a file of the host, in the format of mkswap: the first page is a header.
final class HostSwapFile: SwapStore {
  private let descriptor: Int32

  /// Where the signature stands, and what it says.
  private static let signaturePlace = 4086
  private static let signature = Array("SWAPSPACE2".utf8)

  /// Opens a swap file of `pages`, making it if there is none.
  ///
  /// - Throws: EINVAL if the file holds something else, EBUSY if another run uses it, whatever else the host
  ///   says.
  init(_ path: String, pages: UInt64) throws(Errno) {
    do {
      descriptor = try Platform.openForUpdate(path)
    } catch {
      throw Errno(error)
    }
    do {
      let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
      defer { page.deallocate() }
      let header = Array(page[..<(try Platform.read(descriptor, page, at: 0))])
      let isSwap =
        header.count == 4096
        && Array(header[Self.signaturePlace...]) == Self.signature
      if !header.isEmpty && !isSwap { throw Errno.invalid }
      if !Platform.lock(descriptor) { throw Errno.busy }
      try Platform.setSize(descriptor, pages * 4096)
      page.copyBytes(from: Self.header(pages))
      _ = try Platform.write(descriptor, UnsafeRawBufferPointer(page), at: 0)
    } catch {
      Platform.closeDescriptor(descriptor)
      if let error = error as? HostError { throw Errno(error) }
      throw error as? Errno ?? .inputOutput
    }
  }

  deinit { Platform.closeDescriptor(descriptor) }

  /// Version 1, the number of the last page, no bad ones.
  private static func header(_ pages: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 4096)
    bytes[1024] = 1
    for i in 0..<4 { bytes[1028 + i] = UInt8(truncatingIfNeeded: (pages - 1) >> (8 * UInt64(i))) }
    bytes.replaceSubrange(signaturePlace..., with: signature)
    return bytes
  }

  func read(_ slot: UInt64, into page: UnsafeMutableRawPointer) -> Bool {
    let target = UnsafeMutableRawBufferPointer(start: page, count: 4096)
    return (try? Platform.read(descriptor, target, at: slot * 4096)) == 4096
  }

  func write(_ slot: UInt64, from page: UnsafeRawPointer) -> Bool {
    let source = UnsafeRawBufferPointer(start: page, count: 4096)
    return (try? Platform.write(descriptor, source, at: slot * 4096)) == 4096
  }
}

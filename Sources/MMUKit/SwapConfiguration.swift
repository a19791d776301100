import MMUKernel
import MMUMemory

/// The swap area of a machine: `--swap SIZE[:FILE]`.
public struct SwapConfiguration: Hashable, Sendable {
  /// Bytes, the header's page included.
  public var bytes: UInt64
  /// The file of the host it lies in; nil is the machine's own disk.
  public var file: String?

  /// What sizes it can have.
  static let sizes: ClosedRange<UInt64> = (40 << 10)...(256 << 30)

  /// Makes one.
  public init(bytes: UInt64, file: String? = nil) {
    self.bytes = bytes
    self.file = file
  }

  /// Reads SIZE[:FILE]; nil is `none`.
  ///
  /// - Throws: `ConfigurationError` if the size is none a swap area can have.
  static func parse(_ text: String) throws(ConfigurationError) -> SwapConfiguration? {
    let colon = text.firstIndex(of: ":")
    let size = String(text[..<(colon ?? text.endIndex)])
    if colon == nil && (size == "none" || ByteSize.parse(size) == 0) { return nil }
    guard let bytes = ByteSize.parse(size), sizes.contains(bytes), bytes % pageBytes == 0 else {
      throw ConfigurationError(
        "swap=\(text): its size is a multiple of 4K from \(ByteSize.print(sizes.lowerBound)) to "
          + "\(ByteSize.print(sizes.upperBound)), or 'none'",
        help: "as in --swap 64M, or --swap 64M:FILE for a file of the host")
    }
    guard let colon else { return SwapConfiguration(bytes: bytes) }
    let file = String(text[text.index(after: colon)...])
    if file.isEmpty { throw ConfigurationError("swap=\(text): the file has no name") }
    return SwapConfiguration(bytes: bytes, file: file)
  }

  /// What `parse` reads.
  var text: String { file.map { "\(bytes):\($0)" } ?? "\(bytes)" }
}

extension MachineConfiguration {
  /// Checks that nothing is asked for that would have no effect.
  ///
  /// - Throws: `ConfigurationError` naming it.
  func validatePressure() throws(ConfigurationError) {
    if swap == nil && compressedSwapPercent > 0 {
      throw ConfigurationError(
        "zswap=\(compressedSwapPercent)% compresses pages of swap, but there is no swap area",
        help: "as in --swap 64M --zswap \(compressedSwapPercent)%")
    }
    if swap == nil && swapErrorOdds > 0 {
      throw ConfigurationError(
        "swap-errors=\(swapErrorOdds) is about transfers to and from swap, but there is no swap area",
        help: "as in --swap 64M --swap-errors \(swapErrorOdds)")
    }
    if let residentLimit, residentLimit > ram {
      throw ConfigurationError(
        "rss-limit=\(ByteSize.print(residentLimit)) is more than ram=\(ByteSize.print(ram))")
    }
  }

  /// Sets what the kernel does when memory is short, and opens the swap file.
  ///
  /// - Throws: why that cannot be had.
  func setPressure(
    in options: inout KernelConfiguration, from host: any HostIO
  ) throws(StartError) {
    options.swapErrorOdds = swapErrorOdds
    options.compressedSwapPercent = compressedSwapPercent
    options.swappiness = swappiness
    options.reclaimPolicy = reclaimPolicy
    options.residentLimit = residentLimit.map { $0 / pageBytes }
    guard let swap else { return }
    options.swapPages = swap.bytes / pageBytes
    guard let file = swap.file else { return }
    options.swapName = file
    do {
      options.swapStore = try host.openSwapFile(file, pages: options.swapPages)
    } catch {
      throw .swapFile(file, error)
    }
  }
}

extension ReclaimPolicyKind {
  /// Reads a name.
  ///
  /// - Throws: `ConfigurationError` if there is no such policy.
  init(naming text: String) throws(ConfigurationError) {
    if let kind = Self(rawValue: text) {
      self = kind
      return
    }
    let names = Self.allCases.map(\.rawValue)
    let help =
      text.contains(",")
      ? "a run has one; 'mmuemu policy' replays several"
      : "it is one of " + names.joined(separator: ", ") + "; 'mmuemu policy' replays others"
    throw ConfigurationError(
      "there is no reclaim policy '\(text)'", help: help,
      unknownName: text, knownNames: names)
  }
}

import MMUAssembly
import MMUKit
import MMUReporting

/// What of the processes is printed during a run, and when: `--pmap`, `--maps`, `--smaps`, `--top`,
/// `--at`, `--at-cycle`.
struct ProcessViews {
  /// Processes shown, at most; the first process is shown always.
  static let limit = 100

  private let options: [(option: Option, value: String)]
  private let label: String?
  private let cycle: UInt64?

  /// Reads the options of a call.
  ///
  /// - Throws: a moment without anything to print, or one that is no number.
  init(_ call: CommandCall) throws(CommandFailure) {
    let views: [Option] = [.pmap, .maps, .smaps, .top]
    options = call.options.filter { views.contains($0.option) }
    label = call.value(of: .at)
    cycle = try call.value(of: .atCycle).map { text throws(CommandFailure) in
      guard let cycle = UInt64(text) else {
        throw .usage("--at-cycle \(text): it is a number of cycles")
      }
      return cycle
    }
    if options.isEmpty, let moment = [Option.at, .atCycle].first(where: { call.has($0) }) {
      let names = views.map(\.row.name).joined(separator: ", ")
      throw .usage(
        "'\(moment.row.name)' says when to print, but nothing says what",
        help: "add one of \(names)")
    }
  }

  /// Makes a machine print them on standard error.
  func attach(to machine: Machine, _ streams: Streams) {
    if options.isEmpty { return }
    let hasTable = options.contains { $0.option == .top }
    var shown = 0
    var isCut = false
    machine.observer = Observer(label: label, cycle: cycle) { [unowned machine] sight in
      let first = machine.kernel.processes.first
      let processes = sight.processes.filter { process in
        if shown >= Self.limit && process !== first { return false }
        shown += 1
        return true
      }
      for process in processes {
        for (option, value) in options where option != .top {
          streams.printError(
            ProcessText.heading(process, sight)
              + text(option, value, of: process, sight, machine.kernel))
        }
      }
      if hasTable && !processes.isEmpty { streams.printError(table(sight, machine)) }
      if processes.count < sight.processes.count && !isCut {
        isCut = true
        streams.report([
          Diagnostic(.warning, "\(Self.limit) processes were shown; the others are not")
        ])
      }
    }
  }

  private func text(
    _ option: Option, _ value: String, of process: Process, _ sight: Observer.Sight,
    _ kernel: Kernel
  ) -> String {
    switch option {
    case .maps: return kernel.maps(of: process)
    case .smaps: return kernel.smaps(of: process)
    default:
      return ProcessText.map(
        kernel.snapshot(of: process, clock: sight.cycle, isRunning: sight.isRunning),
        kernel.areas(of: process), ProcessText.MapForm(rawValue: value) ?? .plain)
    }
  }

  /// One table of all processes.
  private func table(_ sight: Observer.Sight, _ machine: Machine) -> String {
    let kernel = machine.kernel
    return ProcessText.heading(sight)
      + ProcessText.table(
        kernel.visibleProcesses.map {
          kernel.snapshot(of: $0, clock: sight.cycle, isRunning: sight.isRunning)
        }, kernel.memorySnapshot, clock: sight.cycle,
        cyclesPerSecond: machine.configuration.megahertz * 1_000_000)
  }
}

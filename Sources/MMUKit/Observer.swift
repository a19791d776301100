/// Somebody who looks at the processes of a run: at the end of each, or once at a label or a cycle.
///
/// Nothing is counted or charged for it.
///
///     machine.observer = Observer(label: "loop") { sight in
///       for process in sight.processes { print(machine.kernel.maps(of: process)) }
///     }
///
public struct Observer {
  /// What there is to see at one moment.
  public struct Sight {
    /// Why now.
    public enum Moment: Hashable, Sendable {
      /// A process ends; its memory is still there.
      case exit
      /// A process arrived at the label, and has not executed the instruction there.
      case label(String)
      /// The clock reached the cycle asked for.
      case cycle
    }

    /// Why now.
    public var moment: Moment
    /// The clock.
    public var cycle: Cycles
    /// The kernel is not in the middle of a trap; see `Kernel.snapshot(of:clock:isRunning:)`.
    public var isRunning: Bool
    /// The process that ends; otherwise all that have not, in the order of their numbers.
    public var processes: [Process]
  }

  /// Looks at the first arrival of any process at this label.
  public var label: String?
  /// Looks before the first instruction at which the clock has reached this.
  public var cycle: Cycles?
  /// Takes what is seen.
  ///
  /// Without `label` and `cycle` that is each process that ends.
  public var look: (Sight) -> Void

  /// Makes an observer.
  public init(label: String? = nil, cycle: Cycles? = nil, _ look: @escaping (Sight) -> Void) {
    self.label = label
    self.cycle = cycle
    self.look = look
  }
}

/// Where an observer still wants the run to stop.
struct PendingSights {
  /// The label's address.
  var address: UInt64?
  var cycle: Cycles = .max

  var stops: [UInt64] { address.map { [$0] } ?? [] }
}

extension Machine {
  /// Stops that an observer asked for and that the run never came to, in words.
  public var unreachedSights: [String] {
    var result: [String] = []
    if pendingSights.address != nil, let label = observer?.label {
      result.append("the run never arrived at the label '\(label)'")
    }
    if pendingSights.cycle != .max {
      result.append("the run ended before cycle \(pendingSights.cycle)")
    }
    return result
  }

  /// Gets ready for the observer.
  func prepareSights() {
    guard let observer else { return }
    pendingSights.address = observer.label.flatMap { address(of: $0) }
    pendingSights.cycle = observer.cycle ?? .max
    if observer.label == nil && observer.cycle == nil {
      kernel.onExit = { [unowned self] in show(.exit, [$0]) }
    }
  }

  /// Lets the observer look, between two instructions.
  func show(_ moment: Observer.Sight.Moment) {
    show(moment, kernel.visibleProcesses.filter { $0.space != nil })
  }

  private func show(_ moment: Observer.Sight.Moment, _ processes: [Process]) {
    // A trap in progress is ahead of the core, which is charged when it ends.
    let isRunning = moment != .exit || isFinishing
    observer?.look(
      Observer.Sight(
        moment: moment, cycle: isRunning ? core.cycles : kernel.now, isRunning: isRunning,
        processes: processes))
  }
}

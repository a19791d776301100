import MMUTiming

/// A thread: registers, what it waits for, its signal mask.
///
/// Every process has at least one; the first has the process's number.
final class Thread {
  /// Whether it can run.
  enum State {
    /// It runs, or waits in the queue of those that can.
    case ready
    /// It waits for something.
    case blocked
    /// It has ended.
    case dead
  }

  /// Its number; those of processes and threads are one sequence.
  var tid: Int32
  /// What it belongs to; the kernel keeps every process there has been.
  unowned(unsafe) let process: Process
  var state = State.ready

  /// x0...x31 while another thread has the core.
  let registers: UnsafeMutablePointer<UInt64>
  /// Where it goes on.
  var programCounter: UInt64 = 0

  // What it waits for.
  /// The queue it stands in, of those that can run or of those that wait.
  var queue: WaitQueue?
  var next: Thread?
  unowned(unsafe) var previous: Thread?
  /// When it is woken at the latest.
  var wakeTime: Cycles = .max
  var reason = BlockReason.sleep
  /// A signal ends the wait.
  var isInterruptible = true
  /// It waits for lack of memory.
  var isStalled = false

  /// It waits, or waited, in a call that it executes again before anything else.
  var repeatsCall = false
  /// What that call keeps until then.
  var progress = CallProgress()
  /// The call in progress was interrupted by a signal: what a handler makes of it.
  var interruption: Errno?
  /// FUTEX_WAIT_BITSET's bits.
  var futexBits: UInt32 = .max

  // Signals.
  /// Blocked signals.
  var mask = SignalSet()
  /// The mask to come back to: rt_sigsuspend's.
  var suspendedMask: SignalSet?
  /// Signals sent to this thread.
  var pending = PendingSignals()
  /// The stack for handlers: address, size and flags of sigaltstack.
  var alternateStack = AlternateStack()

  /// set_tid_address: where 0 is written, and a futex woken, when it ends.
  var clearChildThreadID: UInt64 = 0
  /// CLONE_CHILD_SETTID: where its number is to be written before it runs.
  var setChildThreadID: UInt64 = 0

  init(tid: Int32, process: Process) {
    self.tid = tid
    self.process = process
    registers = .allocate(capacity: 32)
    registers.initialize(repeating: 0, count: 32)
  }

  deinit { registers.deallocate() }

  /// Something is to be done before it goes on.
  var needsDelivery: Bool { interruption != nil || hasSignal }

  /// SIGKILL is pending.
  var isKilled: Bool {
    (pending.set.rawValue | process.pending.set.rawValue) & Signal.kill.bit != 0
  }

  /// A signal it does not block is pending.
  var hasSignal: Bool {
    (pending.set.rawValue | process.pending.set.rawValue) & ~mask.rawValue != 0
  }
}

/// What a system call keeps while it waits, for when it is executed again.
///
/// It belongs to one call: it goes when the call ends in whatever way, and when a handler is entered.
struct CallProgress {
  /// The end of a wait that has begun.
  var end: Cycles?
  /// Where a handler that ends the sleep leaves the rest of it; 0 is nowhere.
  var remainderAddress: UInt64 = 0
  /// Bytes an unfinished transfer has moved.
  var transferred: UInt64 = 0
  /// Those rt_sigtimedwait waits for: they end the wait though they are blocked.
  var awaited = SignalSet()
  /// A waker said that the wait is over: a futex's.
  var wasWoken = false
}

/// What a blocked thread waits for.
enum BlockReason {
  case sleep
  case child
  case vfork(Int32)
  case pipeData
  case pipeSpace
  case futex(UInt64)
  case signal
  case device

  /// In words, for the message about a deadlock.
  var description: String {
    switch self {
    case .sleep: "sleeps"
    case .child: "waits for a child to end"
    case .vfork(let pid): "waits for its vfork child \(pid)"
    case .pipeData: "waits for data in a pipe"
    case .pipeSpace: "waits for room in a pipe"
    case .futex(let address): "waits at the futex \(hex(address))"
    case .signal: "waits for a signal"
    case .device: "waits for a device"
    }
  }
}

/// Threads in the order in which they came: those that wait for one thing, or those that can run.
///
/// - Complexity: O(1) for everything.
final class WaitQueue {
  private(set) var first: Thread?
  private unowned(unsafe) var last: Thread?

  var isEmpty: Bool { first == nil }

  /// Puts a thread at the end.
  ///
  /// - Precondition: it stands in no queue.
  func append(_ thread: Thread) {
    precondition(thread.queue == nil, "a thread stands in two queues")
    thread.queue = self
    thread.previous = last
    if let last { last.next = thread } else { first = thread }
    last = thread
  }

  /// Takes a thread out.
  func remove(_ thread: Thread) {
    let next = thread.next
    if let previous = thread.previous { previous.next = next } else { first = next }
    if let next { next.previous = thread.previous } else { last = thread.previous }
    thread.next = nil
    thread.previous = nil
    thread.queue = nil
  }
}

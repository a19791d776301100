// The frame on the stack of a handler, and the way back.
// Layouts are those of riscv64 Linux (arch/riscv/kernel/signal.c).

extension Kernel {
  /// struct rt_sigframe: siginfo, then ucontext with its mask and its registers.
  enum FrameLayout {
    static let size = 1088
    static let context = 128
    static let stack = context + 16
    static let mask = context + 40
    static let registers = context + 176
  }

  /// Puts the frame on the stack and goes to the handler; false if the stack cannot take it.
  func enterHandler(
    _ thread: Thread, _ information: SignalInformation, _ action: SignalAction,
    _ frame: inout TrapFrame
  ) -> Bool {
    let x = frame.registers
    let signal = information.signal
    var top = x[2]
    let isAlternate = thread.alternateStack.contains(top)
    if action.flags & SignalAction.onStack != 0 && thread.alternateStack.flags & 2 == 0
      && !isAlternate
    {
      top = thread.alternateStack.address &+ thread.alternateStack.size
    }
    let base = (top &- UInt64(FrameLayout.size)) & ~15
    // A handler on the alternate stack that overflows it must not run into what lies below.
    if isAlternate && !thread.alternateStack.contains(base) { return false }

    buffer.initializeMemory(as: UInt8.self, repeating: 0, count: FrameLayout.size)
    func put<Word: FixedWidthInteger>(_ value: Word, _ offset: Int) {
      buffer.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Word.self)
    }
    fill(information)
    let stack = thread.alternateStack
    put(stack.address, FrameLayout.stack)
    put(stack.flags, FrameLayout.stack + 8)
    put(stack.size, FrameLayout.stack + 16)
    put((thread.suspendedMask ?? thread.mask).rawValue, FrameLayout.mask)
    put(frame.programCounter, FrameLayout.registers)
    for i in 1..<32 { put(x[i], FrameLayout.registers + 8 * i) }
    guard copyOut(buffer, FrameLayout.size, to: base) == FrameLayout.size else { return false }
    // SS_AUTODISARM.
    if stack.flags & 1 << 31 != 0 { thread.alternateStack = AlternateStack() }
    thread.suspendedMask = nil
    thread.mask.formUnion(action.mask)
    if action.flags & SignalAction.noDefer == 0 {
      thread.mask.insert(SignalSet(rawValue: signal.bit))
    }
    thread.mask.subtract(.unstoppable)
    if action.flags & SignalAction.resetHandler != 0 {
      thread.process.actions[Int(signal.rawValue)].handler = 0
    }
    x[1] = thread.process.space?.trampoline ?? 0
    x[2] = base
    x[10] = UInt64(signal.rawValue)
    x[11] = base
    x[12] = base &+ UInt64(FrameLayout.context)
    frame.programCounter = action.handler
    return true
  }

  /// Writes siginfo_t to the buffer, which is zero there.
  func fill(_ information: SignalInformation) {
    func put(_ value: Int32, _ offset: Int) {
      buffer.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Int32.self)
    }
    put(information.signal.rawValue, 0)
    put(information.code.number, 8)
    if let address = information.address {
      buffer.storeBytes(of: address.littleEndian, toByteOffset: 16, as: UInt64.self)
    } else if information.code != .kernel {
      put(information.sender, 16)
      put(information.status, 24)
    }
  }

  /// rt_sigreturn.
  func signalReturn(_ thread: Thread, _ frame: inout TrapFrame) -> SystemCallOutcome {
    let x = frame.registers
    guard copyIn(x[2], FrameLayout.size, to: buffer) == FrameLayout.size else {
      let information = SignalInformation(.segmentationFault, .kernel)
      if force(information) { return .replaced }
      tellStory(thread.process, information, nil, frame, .noSignalStack(.segmentationFault))
      terminate(thread.process, .killed(.segmentationFault))
      return .ended
    }
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: buffer.load(fromByteOffset: offset, as: UInt64.self))
    }
    thread.mask = SignalSet(rawValue: word(FrameLayout.mask)).subtracting(.unstoppable)
    frame.programCounter = word(FrameLayout.registers)
    for i in 1..<32 { x[i] = word(FrameLayout.registers + 8 * i) }
    let flags = UInt32(truncatingIfNeeded: word(FrameLayout.stack + 8))
    if flags & ~(1 << 31 | 3) == 0 {
      thread.alternateStack = AlternateStack(
        address: word(FrameLayout.stack), size: word(FrameLayout.stack + 16), flags: flags)
    }
    needsAttention = true
    return .replaced
  }
}

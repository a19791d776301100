public import MMUKit

/// Processes as procps shows them: pmap's and top's layouts, from values alone.
public enum ProcessText {
  /// pmap's forms: without options, `-x`, `-d`.
  public enum MapForm: String, Sendable {
    /// Address, size, mode, mapping.
    case plain = ""
    /// With resident and dirty KiB.
    case extended = "x"
    /// With offset and device.
    case device = "d"
  }

  /// The line before what is shown of one process: whose and when.
  public static func heading(_ process: Process, _ sight: Observer.Sight) -> String {
    "pid \(process.pid) (\(process.name)) \(moment(sight)):\n"
  }

  /// The line before what is shown of all processes.
  public static func heading(_ sight: Observer.Sight) -> String {
    if sight.moment == .exit, let process = sight.processes.first {
      return "all processes, pid \(process.pid) (\(process.name)) \(moment(sight)):\n"
    }
    return "all processes \(moment(sight)):\n"
  }

  private static func moment(_ sight: Observer.Sight) -> String {
    let cycle = "cycle " + NumberText.grouped(sight.cycle)
    switch sight.moment {
    case .exit: return "at exit, \(cycle)"
    case .label(let label): return "at \(label), \(cycle)"
    case .cycle: return "at \(cycle)"
    }
  }

  // MARK: pmap

  /// What `pmap PID` prints.
  public static func map(
    _ process: ProcessSnapshot, _ areas: [AreaSnapshot], _ form: MapForm
  ) -> String {
    var text = "\(process.pid):   \(printable(process.commandLine.joined(separator: " ")))\n"
    switch form {
    case .plain: break
    case .extended: text += "Address           Kbytes     RSS   Dirty Mode  Mapping\n"
    case .device: text += "Address           Kbytes Mode  Offset           Device    Mapping\n"
    }
    for area in areas {
      let size = area.pages * 4
      let address = hex(area.start, 16)
      switch form {
      case .plain: text += "\(address) \(number(size, 6))K "
      case .extended:
        text += "\(address) \(number(size, 7)) \(number(area.residentPages * 4, 7)) "
        text += "\(number(area.dirtyPages * 4, 7)) "
      case .device: text += "\(address) \(number(size, 7)) "
      }
      text += area.permissions.description + (area.isShared ? "s- " : "-- ")
      if form == .device {
        text += hex(area.offset, 16) + " "
        text += hex(area.device >> 8, 3) + ":" + hex(area.device & 0xff, 5) + " "
      }
      text += mapping(area) + "\n"
    }
    func total(_ pages: (AreaSnapshot) -> UInt64) -> UInt64 {
      areas.reduce(0) { $0 + pages($1) } * 4
    }
    let size = total(\.pages)
    switch form {
    case .plain: text += " total \(number(size, 16))K\n"
    case .extended:
      text += "---------------- ------- ------- ------- \n"
      text += "total kB \(number(size, 15)) \(number(total(\.residentPages), 7)) "
      text += "\(number(total(\.dirtyPages), 7))\n"
    case .device:
      let own = total { $0.permissions.contains(.write) && !$0.isShared ? $0.pages : 0 }
      let shared = total { $0.isShared ? $0.pages : 0 }
      text += "mapped: \(size)K    writeable/private: \(own)K    shared: \(shared)K\n"
    }
    return text
  }

  /// The last part of a path; of what has none pmap knows only the stack.
  private static func mapping(_ area: AreaSnapshot) -> String {
    if area.device == 1 && area.name.contains("/SYSV") {
      return "  [ shmid=0x\(hex(area.inode, 1)) ]"
    }
    if area.name == "[stack]" { return "  [ stack ]" }
    if area.name.isEmpty || area.name.hasPrefix("[") { return "  [ anon ]" }
    let last = area.name.split(separator: "/").last ?? "/"
    return printable(String(last))
  }

  /// What could move the cursor becomes a question mark.
  private static func printable(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
  }

  private static func number(_ value: UInt64, _ width: Int) -> String {
    NumberText.padded("\(value)", width)
  }

  private static func hex(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  // MARK: top

  /// A table in the manner of `top`: what there is, then a line for each process.
  ///
  /// All times are the machine's: %CPU is the share of the process's own age, TIME+ minutes, seconds
  /// and microseconds. VIRT, RES and SHR are KiB.
  public static func table(
    _ processes: [ProcessSnapshot], _ memory: MemorySnapshot, clock: Cycles,
    cyclesPerSecond: UInt64
  ) -> String {
    func tasks(_ state: Character) -> String {
      number(UInt64(processes.count { $0.state == state }), 3)
    }
    func mebibytes(_ pages: UInt64) -> String {
      let tenths = (pages * 10 + 128) / 256
      return NumberText.padded("\(tenths / 10).\(tenths % 10)", 8)
    }
    var text = "top - \(NumberText.grouped(clock)) cycles, up \(time(clock, cyclesPerSecond))\n"
    text += "Tasks: \(number(UInt64(processes.count), 3)) total, \(tasks("R")) running, "
    text += "\(tasks("S")) sleeping,   0 stopped, \(tasks("Z")) zombie\n"
    text += "MiB Mem : \(mebibytes(memory.total)) total, \(mebibytes(memory.free)) free, "
    text += "\(mebibytes(memory.total - memory.free - memory.cached)) used, "
    text += "\(mebibytes(memory.cached)) buff/cache\n\n"
    text += "    PID    PPID S    VIRT    RES    SHR  %CPU        TIME+  MINFLT  MAJFLT COMMAND\n"
    for process in processes {
      let fields = [
        number(UInt64(process.pid), 7), number(UInt64(process.parent), 7), "\(process.state)",
        number(process.virtualPages * 4, 7), number(process.residentPages * 4, 6),
        number(process.sharedPages * 4, 6),
        NumberText.padded(NumberText.ratio(process.cycles &* 100, process.age, decimals: 1), 5),
        NumberText.padded(time(process.cycles, cyclesPerSecond), 12),
        number(process.minorFaults, 7), number(process.majorFaults, 7), printable(process.name),
      ]
      text += fields.joined(separator: " ") + "\n"
    }
    return text
  }

  /// `0:01.234567`.
  private static func time(_ cycles: Cycles, _ cyclesPerSecond: UInt64) -> String {
    let seconds = cycles / cyclesPerSecond
    let part = (cycles % cyclesPerSecond).multipliedFullWidth(by: 1_000_000)
    let fraction = "\(cyclesPerSecond.dividingFullWidth(part).quotient)"
    let rest = seconds % 60
    return "\(seconds / 60):" + (rest < 10 ? "0" : "") + "\(rest)."
      + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction
  }
}

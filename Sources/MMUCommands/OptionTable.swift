// The one table of commands and options. Parsing, `--help`, `help TOPIC` and suggestions read it.

/// A command, by the word that calls it.
enum CommandName: String, CaseIterable {
  case run, asm, disasm, verify, policy, lab, compare, list, help

  /// What follows the options.
  var operands: String {
    switch self {
    case .run: "FILE [guest arguments...]"
    case .asm: "FILE -o OUT"
    case .disasm: "FILE"
    case .verify: "FILE..."
    case .policy: "REFS"
    case .lab: "fit|buddy|segmentation|pagetable FILE"
    case .compare: "A.json B.json"
    case .list: "presets|policies|counters|syscalls|programs"
    case .help: "[TOPIC]"
    }
  }

  var summary: String {
    switch self {
    case .run: "run a program (assembly source or ELF) and report; the word may be left out"
    case .asm: "assemble a source file into a static ELF executable"
    case .disasm: "print the instructions of a program"
    case .verify: "check this build against conformance vectors ('-': standard input)"
    case .policy: "replay page references under replacement policies ('-': standard input)"
    case .lab: "replay allocation scripts on small machines of the textbooks ('-': standard input)"
    case .compare: "print two JSON reports side by side with the change in per cent"
    case .list: "list what can be named: presets, policies, counters, syscalls, programs"
    case .help: "explain a command, or one of: fields, exit"
    }
  }
}

/// An option of the command line.
enum Option: CaseIterable {
  case quiet, report, reportFile, host, noHost, strace
  case pmap, maps, smaps, top, at, atCycle, check
  case preset, set, ram, swap, compressedSwap, swappiness, residentLimit, swapErrors
  case overcommit, overcommitRatio, seed, noASLR, environment, directory, writableDirectory
  case maximumInstructions, maximumCycles
  case transparentHugePages, hugePool, hugePool1G
  case writableCode, engine, from, to, recordPages
  case frames, policy, curve
  case strategy, size, order, compact, pageSize
  case include, define, output
  case help, version

  /// Row of the table.
  struct Row {
    var name: String
    var short: Character?
    var argument: String?
    /// The value it may have, given behind an equals sign only.
    var attached: String?
    var commands: [CommandName]
    var summary: String
    /// The configuration field it sets, if that is all it does.
    var field: String?
    /// The value it sets, for an option without argument.
    var value: String?
  }

  var row: Row {
    switch self {
    case .quiet:
      Row(
        name: "--quiet", short: "q", commands: [.run],
        summary: "print errors of mmuemu only, not even why a program was killed; count as ever")
    case .report:
      Row(
        name: "--report", argument: "text|json", commands: [.run],
        summary: "the report's form (default text); with --quiet only for --report-file")
    case .reportFile:
      Row(
        name: "--report-file", argument: "PATH", commands: [.run],
        summary: "write the report there instead of standard error")
    case .host:
      Row(
        name: "--host", commands: [.run],
        summary: "add host seconds and MIPS (default on a terminal)")
    case .noHost: Row(name: "--no-host", commands: [.run], summary: "leave host seconds out")
    case .strace:
      Row(
        name: "--strace", commands: [.run],
        summary: "print each system call and signal on standard error, as strace does")
    case .pmap:
      Row(
        name: "--pmap", attached: "x|d", commands: [.run],
        summary: "print each process's memory map at its end, as pmap does (-x, -d)")
    case .maps:
      Row(
        name: "--maps", commands: [.run],
        summary: "print each process's /proc/PID/maps at its end")
    case .smaps:
      Row(
        name: "--smaps", commands: [.run],
        summary: "print each process's /proc/PID/smaps at its end")
    case .top:
      Row(
        name: "--top", commands: [.run],
        summary: "print a table of all processes at the end of each, as top does")
    case .at:
      Row(
        name: "--at", argument: "LABEL", commands: [.run],
        summary: "print these at the first arrival at LABEL instead")
    case .atCycle:
      Row(
        name: "--at-cycle", argument: "N", commands: [.run],
        summary: "print these when the clock has reached N instead")
    case .check:
      Row(
        name: "--check", commands: [.run],
        summary: "check the kernel's books after every trap (slow; status 70 if broken)")
    case .preset:
      Row(
        name: "--preset", argument: "NAME", commands: [.run],
        summary: "start from a named machine ('list presets')")
    case .set:
      Row(
        name: "--set", argument: "FIELD=VALUE", commands: [.run],
        summary: "change the machine ('help fields'); may be repeated")
    case .ram:
      Row(
        name: "--ram", argument: "SIZE", commands: [.run, .lab],
        summary: "RAM, 8M to 64G (default 1G)", field: "ram")
    case .swap:
      Row(
        name: "--swap", argument: "SIZE[:FILE]", commands: [.run],
        summary: "swap area, in a file of the host if one is named (default none)", field: "swap")
    case .compressedSwap:
      Row(
        name: "--zswap", argument: "PERCENT%", commands: [.run],
        summary: "keep swapped pages compressed in so much of the RAM (default 0%)",
        field: "zswap")
    case .swappiness:
      Row(
        name: "--swappiness", argument: "N", commands: [.run],
        summary: "0: only pages of files go; 200: rather private memory (default 60)",
        field: "swappiness")
    case .residentLimit:
      Row(
        name: "--rss-limit", argument: "SIZE", commands: [.run],
        summary: "pages of all processes and files that may be in memory at once",
        field: "rss-limit")
    case .swapErrors:
      Row(
        name: "--swap-errors", argument: "N", commands: [.run],
        summary: "let about one in N transfers to and from swap fail, by the seed",
        field: "swap-errors")
    case .overcommit:
      Row(
        name: "--overcommit", argument: "0|1|2", commands: [.run],
        summary: "promise memory by a heuristic (default), always, or up to a strict limit",
        field: "overcommit")
    case .overcommitRatio:
      Row(
        name: "--overcommit-ratio", argument: "PERCENT", commands: [.run],
        summary: "of RAM, what may be promised with --overcommit 2 (default 50)",
        field: "overcommit-ratio")
    case .seed:
      Row(
        name: "--seed", argument: "N", commands: [.run, .policy],
        summary: "drives every random choice (default 1)", field: "seed")
    case .noASLR:
      Row(
        name: "--no-aslr", commands: [.run], summary: "fixed places for stack, heap and mappings",
        field: "aslr", value: "off")
    case .environment:
      Row(
        name: "--env", argument: "NAME=VALUE", commands: [.run],
        summary: "an environment variable of the guest; may be repeated")
    case .directory:
      Row(
        name: "--dir", argument: "HOST=GUEST", commands: [.run],
        summary: "show a directory to the guest, to read only; may be repeated")
    case .writableDirectory:
      Row(
        name: "--dir-rw", argument: "HOST=GUEST", commands: [.run],
        summary: "show a directory to the guest, which may change it; may be repeated")
    case .maximumInstructions:
      Row(
        name: "--max-instructions", argument: "N", commands: [.run],
        summary: "end the run there (status 75)", field: "max-instructions")
    case .maximumCycles:
      Row(
        name: "--max-cycles", argument: "N", commands: [.run],
        summary: "end the run there (status 75)", field: "max-cycles")
    case .transparentHugePages:
      Row(
        name: "--thp", argument: "never|madvise|always", commands: [.run],
        summary: "2 MiB pages for anonymous memory (default madvise)", field: "thp")
    case .hugePool:
      Row(
        name: "--huge-pages", argument: "N", commands: [.run],
        summary: "set aside N pages of 2 MiB for MAP_HUGETLB", field: "huge-pages")
    case .hugePool1G:
      Row(
        name: "--huge-pages-1g", argument: "N", commands: [.run],
        summary: "set aside N pages of 1 GiB for MAP_HUGETLB", field: "huge-pages-1g")
    case .writableCode:
      Row(
        name: "--wx", argument: "allow|deny", commands: [.run],
        summary: "segments both writable and executable (default allow)", field: "wx")
    case .engine:
      Row(
        name: "--engine", argument: "fast|reference", commands: [.run],
        summary: "the interpreter; both count alike", field: "engine")
    case .from:
      Row(
        name: "--from", argument: "LABEL", commands: [.run],
        summary: "count from the first arrival at LABEL", field: "from")
    case .to:
      Row(
        name: "--to", argument: "LABEL", commands: [.run],
        summary: "count until the next arrival at LABEL", field: "to")
    case .recordPages:
      Row(
        name: "--record-pages", argument: "PATH", commands: [.run],
        summary: "write the pages of all data accesses there, for 'policy' (slower)")
    case .frames:
      Row(
        name: "--frames", argument: "N[,N...]", commands: [.policy],
        summary: "sizes of memory, as in 3, 1,2,4 or 1-8; one shows each step of a short string")
    case .policy:
      Row(
        name: "--policy", argument: "NAME[,...]", commands: [.policy, .run],
        summary: "what chooses pages: one to run under, or those to replay ('list policies')",
        field: "reclaim-policy")
    case .curve:
      Row(
        name: "--curve", commands: [.policy],
        summary: "faults of LRU and OPT at every size, in one pass")
    case .strategy:
      Row(
        name: "--strategy", argument: "NAME[,...]", commands: [.lab],
        summary: "how a free block is chosen: first, best, worst, next")
    case .size:
      Row(
        name: "--size", argument: "SIZE", commands: [.lab],
        summary: "memory of the heap or of the processes")
    case .order:
      Row(
        name: "--order", argument: "N", commands: [.lab], summary: "the memory is 2^N pages")
    case .compact:
      Row(
        name: "--compact", commands: [.lab],
        summary: "move segments together when a request fails for fragmentation")
    case .pageSize:
      Row(
        name: "--page-size", argument: "SIZE", commands: [.lab], summary: "a page (default 4K)")
    case .include:
      Row(
        name: "--include", short: "I", argument: "DIR", commands: [.run, .asm, .disasm],
        summary: "also search DIR for .include; may be repeated")
    case .define:
      Row(
        name: "--defsym", argument: "NAME=VALUE", commands: [.run, .asm, .disasm],
        summary: "define a symbol for the source; may be repeated")
    case .output:
      Row(
        name: "--output", short: "o", argument: "OUT", commands: [.asm],
        summary: "the executable to write")
    case .help:
      Row(name: "--help", short: "h", commands: CommandName.allCases, summary: "explain")
    case .version: Row(name: "--version", commands: [], summary: "print the version")
    }
  }

  /// The options a command takes.
  static func of(_ command: CommandName) -> [Option] {
    allCases.filter { $0.row.commands.contains(command) }
  }
}

/// What `help` prints.
enum HelpText {
  /// The page without a topic.
  static var overview: String {
    var text = """
      usage: mmuemu [run] [options] FILE [guest arguments...]
             mmuemu COMMAND [options] ...

      Runs a RISC-V program through an exact model of x86-64 paging and reports what
      the TLBs, the page walks and the kernel did.

      commands:

      """
    for command in CommandName.allCases {
      text += line(command.rawValue, command.summary)
    }
    return text + """

      'mmuemu help run' lists the options, 'mmuemu help fields' what --set changes,
      'mmuemu help exit' the exit statuses.
      for a start: mmuemu Programs/sieve.s

      """
  }

  /// The few lines after a command line that says nothing.
  static var brief: String {
    """
    usage: mmuemu [options] FILE [guest arguments...]
    for a start: mmuemu Programs/sieve.s; everything else: mmuemu help

    """
  }

  static func page(_ command: CommandName) -> String {
    let options = Option.of(command)
    var text = "usage: mmuemu \(command.rawValue) "
    if command == .run { text = "usage: mmuemu [run] " }
    if options.count > 1 { text += "[options] " }
    text += command.operands + "\n\n\(command.summary)\n"
    if command == .run {
      text += "options end at FILE; what follows belongs to the program\n"
    }
    text += "\noptions:\n"
    for option in options {
      let row = option.row
      let short = row.short.map { "-\($0), " } ?? ""
      let value = row.argument.map { " " + $0 } ?? row.attached.map { "[=\($0)]" } ?? ""
      text += line(short + row.name + value, row.summary)
    }
    return command == .lab ? text + LabName.help : text
  }

  static let exit = """
    exit statuses:
      the guest's own   the program ended by exit
      128 + n           the program was killed by signal n (139: SIGSEGV)
      64                the command line cannot be understood
      65                a bad program, swap, report, vector or reference file
      66                no such input, or an output that cannot be written
      70                an internal invariant broke: a bug of ours
      75                a limit, a deadlock, or memory that nobody could free ended the run
      99                a sanitizer reported
      130, 143, 129     interrupted by SIGINT, SIGTERM, SIGHUP of the host; the report tells how
                        far it came, and a second signal ends mmuemu at once
    a program may also exit with any of these itself: "exit" in '--report json' tells them apart
    verify: 0 if every case passed, 1 if one failed

    """

  static func line(_ name: String, _ summary: String, width: Int = 26) -> String {
    let pad = String(repeating: " ", count: max(2, width - name.utf8.count))
    return "  \(name)\(pad)\(summary)\n"
  }
}

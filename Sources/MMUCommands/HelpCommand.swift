import MMUAssembly
import MMUKernel
import MMUKit
import MMUPaging
import MMUPolicy
import MMUReporting

extension CommandCall {
  /// `help [TOPIC]`.
  func help(_ streams: Streams) throws(CommandFailure) -> Int32 {
    guard let topic = try operands(0...1).first else {
      streams.print(HelpText.overview)
      return 0
    }
    if let command = CommandName(rawValue: topic) {
      streams.print(HelpText.page(command))
      return 0
    }
    switch topic {
    case "fields": streams.print(Self.fields)
    case "exit": streams.print(HelpText.exit)
    default:
      let topics = CommandName.allCases.map(\.rawValue) + ["fields", "exit"]
      throw .usage(
        "there is no help on '\(topic)'",
        help: nearestName(to: topic, among: topics).map { "did you mean '\($0)'?" }
          ?? "topics: " + topics.joined(separator: ", "))
    }
    return 0
  }

  /// What `--set` changes, with the default machine's values.
  private static var fields: String {
    let machine = MachineConfiguration()
    var text = "--set FIELD=VALUE changes the machine; the values here are the default's\n\n"
    for field in ConfigurationField.all {
      var name = field.name
      if let value = field.value?(machine) { name += "=\(value.text)" }
      text += HelpText.line(name, field.summary, width: 34)
    }
    return text
  }

  /// `list WHAT`.
  func list(_ streams: Streams) throws(CommandFailure) -> Int32 {
    let what = try operands(1...1)[0]
    switch what {
    case "presets":
      for preset in Preset.all {
        streams.print(HelpText.line(preset.name, preset.summary, width: 16))
      }
    case "policies":
      streams.print("page replacement, what leaves ('policy --policy'):\n")
      for policy in ReplacementPolicy.all {
        streams.print(HelpText.line(policy.name, policy.summary, width: 16))
      }
      streams.print("pages of a running program when memory is short ('run --policy'):\n")
      for policy in ReclaimPolicyKind.allCases {
        streams.print(HelpText.line(policy.rawValue, policy.summary, width: 16))
      }
      streams.print("TLBs and structure caches, what leaves ('run --set'):\n")
      for policy in Replacement.allCases {
        streams.print(HelpText.line(policy.rawValue, Self.summary(of: policy), width: 16))
      }
    case "counters":
      for counter in ReportCounter.all {
        streams.print(HelpText.line(counter.key, counter.summary, width: 30))
      }
    case "syscalls":
      for row in SystemCallTable.rows where row.isImplemented {
        streams.print(HelpText.line("\(row.number)", row.name, width: 8))
      }
    case "programs":
      for (name, summary) in Self.programs {
        streams.print(HelpText.line("Programs/\(name).s", summary, width: 30))
      }
    default:
      let lists = ["presets", "policies", "counters", "syscalls", "programs"]
      throw .usage(
        "there is no list of '\(what)'",
        help: nearestName(to: what, among: lists).map { "did you mean '\($0)'?" }
          ?? "lists: " + lists.joined(separator: ", "))
    }
    return 0
  }

  private static func summary(of policy: Replacement) -> String {
    switch policy {
    case .lru: "the entry whose last use lies farthest back"
    case .treePLRU: "a binary tree of bits that point away from what was used last"
    case .fifo: "the entry filled first"
    case .random: "any entry, by a generator seeded with --seed"
    }
  }

  /// The programs of the repository, each with the first sentence of its header.
  static let programs: [(name: String, summary: String)] = [
    ("hello", "the smallest program that says something."),
    ("sieve", "the primes below one million, by the sieve of Eratosthenes."),
    ("fib", "Fibonacci numbers by plain recursion."),
    ("matmul", "a matrix product whose inner loop walks along rows."),
    ("matmul_columns", "the product of matmul.s with its inner loop down a column."),
    ("ptrchase", "following pointers through memory in random order, a page each time."),
    ("stream", "copying and adding up memory from one end to the other."),
    ("quicksort", "sorts 20,000 random numbers in place, then checks the order."),
    ("sparse", "sixteen pages, each a gigabyte from the next."),
    ("brk_heap", "a linked list on a heap that grows by brk."),
    ("size_classes", "a malloc with a list of free blocks for each size."),
    ("leak", "a memory leak, and how to see it: resident memory that only grows."),
    ("demand_zero", "the program counts its own page faults."),
    ("dontneed", "MADV_DONTNEED gives pages back and keeps their addresses."),
    ("mremap_move", "pages move to another address without being copied."),
    ("page_crosser", "loads and stores that lie across the boundary of two pages."),
    ("self_modify", "writes a function into memory, calls it, changes it, calls again."),
    ("stack_growth", "uses a megabyte of stack, as a deep recursion may."),
    ("fork_cow", "a child and its parent share pages until one of them writes."),
    ("cow_last_owner", "the last owner of a shared page keeps it, without a copy."),
    ("fork_chain", "a child of a child of a child, eight deep, each with its own page."),
    ("sparse_fork", "forking 64 GiB of address space of which 16 pages are used."),
    ("vfork_exec", "a child in the parent's own memory, until it executes something."),
    ("exec_args", "executes itself with arguments and an environment."),
    ("oom_victim", "a child takes all memory there is; it is killed, and its parent goes on."),
    (
      "overcommit",
      "what the kernel promises when a program asks for twice the machine's memory."
    ),
    ("zombie", "a process that has ended stays in the table until somebody waits for it."),
    ("orphan", "who inherits the child of a process that has ended."),
    ("pipe", "one process sends numbers to another."),
    ("pipe_broken", "what happens at both ends of a pipe whose other end has gone."),
    ("producer_consumer", "a ring of eight slots between two processes."),
    ("pcid", "two processes hand a token back and forth and keep their TLB entries."),
    ("lazy_map", "a SIGSEGV handler that maps the page that was missing."),
    ("write_barrier", "a program finds out which of its pages it has written."),
    ("threads", "four threads on one address space count under a lock."),
    ("thread_stacks", "threads on stacks of their own, each with a guard page below it."),
    ("guard_pages", "guards below 32 stacks, made by mprotect and by MADV_GUARD_INSTALL."),
    ("shared_anon", "a parent and its child write to the same memory."),
    ("shm_counter", "two processes count in one file of /dev/shm under a lock."),
    ("shared_text", "two processes that run one program share the frames of its code."),
    ("file_private", "stores to a private mapping of a file stay in the program."),
    ("file_shared", "a shared mapping of a file, read() and write() are one memory."),
    ("msync", "how the kernel learns which pages of a mapped file are dirty."),
    ("page_cache", "the same file read cold, from the disk, and warm, from memory."),
    ("readahead", "a file read in order waits for the disk a few times, at random always."),
    ("truncate_sigbus", "a file is cut short under a mapping."),
    ("belady", "the string of page references that shows Belady's anomaly."),
    ("cyclic_scan", "a loop over a little more memory than there is."),
    ("hot_pages", "thirty-two pages in steady use, while a scan over many others goes by."),
    ("working_set", "more and more pages in use, until they no longer fit."),
    ("thrash", "two programs that each fit into memory, but not together."),
    ("rss_limit", "a limit on what may be resident, far below what there is."),
    ("mlock", "locked pages stay, whoever needs their frames."),
    ("clean_dirty", "when memory is short, clean pages of files go first and cost nothing."),
    ("lazy_free", "MADV_FREE gives pages back, but only if somebody needs them."),
    ("swap_fork", "a child inherits pages that are swapped out, as they are."),
    ("swap_readahead", "swapped pages fetched in order come in groups, at random one by one."),
    ("zswap_friendly", "pages that can be squeezed, sent out and fetched back."),
    ("zswap_hostile", "pages of random numbers, sent out and fetched back."),
    ("thp", "loads all over 16 MiB, which 4,096 small pages hold or 8 huge ones."),
    ("hugetlb", "two huge pages from the pool, shared with a child."),
    ("fragmentation", "much memory is free, but in single frames."),
    ("stack_overflow", "a recursion that never ends."),
    ("null_pointer", "reads a field of a record through a null pointer."),
    ("write_text", "tries to change its own code."),
    ("execute_data", "jumps into its data."),
    ("read_kernel", "tries to read the kernel's half of the address space."),
    ("echo", "prints its arguments, one to a line."),
    ("cat", "copies standard input to standard output."),
    ("wc", "counts the lines, words and bytes of a file that it maps."),
  ]
}

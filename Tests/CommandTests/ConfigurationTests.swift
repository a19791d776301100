import MMUExecution
import MMUKit
import MMUMemory
import MMUPaging
import Testing

@Suite struct `Machine configuration` {
  @Test func `every field reads back what it prints`() throws {
    var machine = MachineConfiguration()
    machine.maximumCycles = 12
    machine.regionStart = "main"
    var wrong: [String] = []
    for field in ConfigurationField.all {
      guard let value = field.value?(machine) else { continue }
      var copy = MachineConfiguration()
      try copy.set(field.name, to: value.text)
      if field.value?(copy) != value { wrong.append(field.name) }
    }
    #expect(wrong == [])
  }

  @Test func `names of fields are distinct`() {
    let names = ConfigurationField.all.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func `every preset is valid and knows its name`() throws {
    for preset in Preset.all {
      try preset.configuration.validate()
      #expect(preset.configuration.preset == preset.name)
      #expect(try MachineConfiguration(preset: preset.name) == preset.configuration)
    }
  }

  @Test func `the default is the machine of the contract`() {
    let expected = [
      "ram": "1073741824", "seed": "1", "aslr": "on", "itlb": "4K:128/8:lru,2M:8/8:lru",
      "dtlb": "4K:64/4:lru,2M:32/4:lru,1G:4/4:lru", "stlb": "4K+2M:1536/12:lru,1G:16/4:lru",
      "pde": "32/4:lru", "pdpte": "4/4:lru", "pml4e": "2/2:lru", "maxphyaddr": "40",
      "pcid": "on", "nx": "on", "smep": "on", "smap": "on", "wp": "on", "mhz": "3000",
    ]
    for (name, text) in expected.sorted(by: { $0.key < $1.key }) {
      #expect(ConfigurationField.named(name)?.value?(MachineConfiguration()).text == text)
    }
  }

  @Test func `parts of a geometry can be set in any order`() throws {
    var machine = MachineConfiguration()
    try machine.set("dtlb.4k.entries", to: "72")
    try machine.set("dtlb.4k.ways", to: "full")
    try machine.set("dtlb.4k.replacement", to: "tree-plru")
    #expect(
      machine.mmu.dataTLB[0].geometry
        == CacheGeometry(entries: 72, ways: 72, replacement: .treePLRU))
    try machine.set("dtlb.4k.entries", to: "96")
    #expect(machine.mmu.dataTLB[0].geometry.ways == 96, "a full array stays full")
    try machine.set("pde.ways", to: "3")
    #expect(throws: ConfigurationError.self) { try machine.validate() }
    try machine.set("pde.entries", to: "12")
    try machine.validate()
  }

  @Test func `a whole level is set by one text`() throws {
    var machine = MachineConfiguration()
    try machine.set("stlb", to: "4K+2M+1G:2048/16:fifo")
    #expect(
      machine.mmu.secondTLB == [
        TLBArray(
          [.size4K, .size2M, .size1G],
          CacheGeometry(entries: 2048, ways: 16, replacement: .fifo))
      ])
    try machine.set("stlb.2m.ways", to: "8")
    #expect(machine.mmu.secondTLB[0].geometry.ways == 8, "the array is shared")
    try machine.set("itlb", to: "none")
    #expect(machine.mmu.instructionTLB == [])
    try machine.set("replacement", to: "random")
    #expect(machine.mmu.pdeCache?.replacement == .random)
    #expect(machine.mmu.dataTLB.allSatisfy { $0.geometry.replacement == .random })
  }

  @Test func `values that no machine can have are refused`() {
    let bad = [
      ("ram", "4M"), ("ram", "8193K"), ("ram", "-1"), ("ram", "many"), ("ram", "99999999999G"),
      ("seed", "-1"), ("seed", "+1"), ("seed", ""), ("aslr", "yes"), ("engine", "slow"),
      ("wx", "maybe"), ("max-cycles", "1e9"), ("maxphyaddr", "53"), ("maxphyaddr", "31"),
      ("itlb", "4K"), ("itlb", "4K:0"), ("itlb", "4K:8/0"), ("itlb", "8K:8"), ("itlb", ""),
      ("itlb", "4K:8,4K:8"), ("itlb", "4K:8:plru"), ("itlb", "4K:8:lru:lru"),
      ("itlb", "4K:1000000"),
      ("itlb.1g.entries", "4"), ("pde", "1/2/3"), ("replacement", "mru"), ("cost.alu", "ten"),
      ("no.such.field", "1"),
    ]
    for (name, text) in bad {
      var machine = MachineConfiguration()
      #expect(throws: ConfigurationError.self, "\(name)=\(text)") {
        try machine.set(name, to: text)
      }
      #expect(machine == MachineConfiguration(), "\(name)=\(text) leaves a trace")
    }
    var machine = MachineConfiguration()
    machine.ram = 8 << 30
    machine.mmu.controls.physicalAddressBits = 32
    #expect(throws: ConfigurationError.self) { try machine.validate() }
  }

  @Test func `sizes take K M and G`() {
    #expect(ByteSize.parse("64M") == 64 << 20)
    #expect(ByteSize.parse("1G") == 1 << 30)
    #expect(ByteSize.parse("12k") == 12 << 10)
    #expect(ByteSize.parse("4096") == 4096)
    #expect(ByteSize.parse("0x1000") == 4096)
    for text in ["", "K", "1T", "1KK", "-1K", "17179869184G", "1.5G"] {
      #expect(ByteSize.parse(text) == nil, "\(text)")
    }
    #expect(ByteSize.print(1536) == "1536")
    #expect(ByteSize.print(8 << 20) == "8M")
    #expect(ByteSize.print(0) == "0")
  }
}

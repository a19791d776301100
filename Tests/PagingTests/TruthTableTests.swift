import MMUMemory
import MMUPaging
import Testing

@Suite struct `Permissions, every case` {
  /// Control bits as one integer: WP, SMEP, SMAP, AC, NXE.
  static func controls(_ bits: Int) -> PagingControls {
    var controls = PagingControls()
    controls.writeProtect = bits & 1 != 0
    controls.supervisorExecutionPrevention = bits & 2 != 0
    controls.supervisorAccessPrevention = bits & 4 != 0
    controls.alignmentCheck = bits & 8 != 0
    controls.executeDisable = bits & 16 != 0
    controls.processContexts = false
    return controls
  }

  static let accesses: [Access] = Access.Mode.allCases.flatMap { mode in
    Access.Kind.allCases.map { Access($0, mode) }
  }

  static func outcome(_ mmu: MMU, _ address: UInt64, _ access: Access) -> String {
    do {
      return "0x" + hex(try mmu.translate(linear: address, for: access).rawValue)
    } catch {
      guard case .pageFault(let fault) = error else { return "\(error)" }
      return fault.errorCode.description
    }
  }

  static func pure(_ outcome: ReferenceTranslator.Outcome) -> String {
    switch outcome.result {
    case .translated(let place, _): return "0x" + hex(place.rawValue)
    case .fault(.pageFault(let fault)): return fault.errorCode.description
    case .fault(let other): return "\(other)"
    }
  }

  static func names(_ entry: UInt64) -> String { PageTableEntry(entry).description }

  /// Every P, R/W, U/S and XD at each of four levels, with every access under every control setting
  /// would be 2^16 x 6 x 32; the two lower levels run through all 2^8, the two upper ones through
  /// those with at most one bit off, which is where a level could be forgotten.
  @Test func `the MMU, cold and from the TLB, agrees with the reference translator`() {
    let address: UInt64 = 0x0123_4567_8000
    let tables: [UInt64] = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000]
    let memory = PhysicalMemory(bytes: 0x8000)
    let places = PagingLevel.allCases.map { tables[$0.rawValue] + $0.index(address) * 8 }
    func entry(_ bits: Int, _ level: Int) -> UInt64 {
      tables[level + 1] | UInt64(bits & 7) | UInt64(bits >> 3) << 63
    }
    // P R/W U/S, then each of them off, and XD on.
    let upper = [(7, 7), (6, 7), (5, 7), (3, 7), (15, 7), (7, 6), (7, 5), (7, 3), (7, 15), (5, 3)]
    var wrong: [String] = []
    var cases = 0
    for bits in 0..<32 {
      var configuration = Lab.tiny
      configuration.controls = Self.controls(bits)
      let mmu = MMU(memory: memory, configuration: configuration)
      try! mmu.writeControlRegister3(tables[0])
      let reference = ReferenceTranslator(
        memory: memory, controls: configuration.controls, root: tables[0])
      for (top, second) in upper {
        let lower = top == 7 && second == 7 ? 0..<256 : 119..<120
        for low in lower {
          let entries = [
            entry(top, 0), entry(second, 1), entry(low >> 4, 2), entry(low & 15, 3),
          ]
          for access in Self.accesses {
            for (place, entry) in zip(places, entries) {
              try! memory.store(entry, at: PhysicalAddress(place))
            }
            mmu.invalidate(.all)
            let expected = reference.translate(address, for: access)
            let wanted = Self.pure(expected)
            let cold = Self.outcome(mmu, address, access)
            let left = places.map { try! memory.load(PhysicalAddress($0)) }
            let planned = zip(places, entries).map { place, entry in
              expected.updates.first { $0.address.rawValue == place }?.value ?? entry
            }
            // Once more, whatever another access of the other mode may have cached before.
            _ = Self.outcome(mmu, address, Access(.read, .user))
            _ = Self.outcome(mmu, address, Access(.read, .supervisor))
            let warm = Self.outcome(mmu, address, access)
            cases += 1
            if cold != wanted || warm != wanted || left != planned {
              wrong.append(
                "\(access), controls \(bits), \(entries.map(Self.names)): "
                  + "\(cold) and \(warm), not \(wanted)")
            }
          }
        }
      }
    }
    #expect(wrong.prefix(5).isEmpty, "\(wrong.prefix(5))")
    #expect(cases == 32 * (256 + 9) * 6)
  }

  @Test func `protection keys bind data accesses to user pages only`() {
    let address: UInt64 = 0x5000_3000
    let memory = PhysicalMemory(bytes: 0x8000)
    var wrong: [String] = []
    for bits in 0..<32 {
      for rights: UInt32 in 0..<4 {
        for key: UInt64 in [0, 1, 9, 15] {
          for leaf: UInt64 in [1, 3, 5, 7] {
            var configuration = Lab.tiny
            configuration.controls = Self.controls(bits | 16)
            configuration.controls.protectionKeys = bits & 16 == 0
            configuration.controls.pkru = rights << UInt32(2 * key)
            let mmu = MMU(memory: memory, configuration: configuration)
            try! mmu.writeControlRegister3(0x1000)
            for level in PagingLevel.allCases {
              let table = UInt64(level.rawValue + 1) << 12
              let entry = level == .pt ? 0x9000 | leaf | key << 59 : table + 0x1000 | 7
              try! memory.store(entry, at: PhysicalAddress(table + level.index(address) * 8))
            }
            let reference = ReferenceTranslator(
              memory: memory, controls: mmu.controls, root: 0x1000)
            for access in Self.accesses {
              let wanted = Self.pure(reference.translate(address, for: access))
              let cold = Self.outcome(mmu, address, access)
              let warm = Self.outcome(mmu, address, access)
              if cold != wanted || warm != wanted {
                wrong.append(
                  "\(access) \(bits) key \(key) rights \(rights): \(cold), not \(wanted)")
              }
            }
          }
        }
      }
    }
    #expect(wrong.prefix(5).isEmpty, "\(wrong.prefix(5))")
  }

  /// Every single bit of a leaf and of a table entry, at every level, for MAXPHYADDR 36, 40 and 52.
  @Test func `each bit is reserved exactly where the manual says`() {
    let address: UInt64 = 0x0123_4567_8000
    let memory = PhysicalMemory(bytes: 0x8000)
    for width: UInt64 in [36, 40, 52] {
      for large in [PagingLevel.pt, .pd, .pdpt] {
        for bit: UInt64 in 1..<64 {
          for level in PagingLevel.allCases where level.rawValue <= large.rawValue {
            var configuration = Lab.tiny
            configuration.controls.physicalAddressBits = width
            configuration.controls.executeDisable = false
            let mmu = MMU(memory: memory, configuration: configuration)
            try! mmu.writeControlRegister3(0x1000)
            for each in PagingLevel.allCases where each.rawValue <= large.rawValue {
              let table = UInt64(each.rawValue + 1) << 12
              var entry: UInt64 = 7 | (each == large ? 0 : table + 0x1000)
              if each == large && large != .pt { entry |= 0x80 }
              if each == level { entry |= 1 << bit }
              try! memory.store(entry, at: PhysicalAddress(table + each.index(address) * 8))
            }
            var reserved = bit == 63 || (bit >= width && bit < 52)
            if level == .pml4 && bit == 7 { reserved = true }
            if level == large && large == .pd && bit >= 13 && bit <= 20 { reserved = true }
            if level == large && large == .pdpt && bit >= 13 && bit <= 29 { reserved = true }
            // Other bits may turn a table entry into something else; only RSVD is looked at.
            let found = Self.outcome(mmu, address, Access(.read, .user))
            let isReserved = found == "0xd (P U/S RSVD)"
            if isReserved != reserved && !(bit == 7 && level != large && level != .pml4)
              && !(level != large && bit >= 12 && bit < width)
            {
              Issue.record("MAXPHYADDR \(width), \(level), leaf \(large), bit \(bit): \(found)")
            }
          }
        }
      }
    }
  }
}

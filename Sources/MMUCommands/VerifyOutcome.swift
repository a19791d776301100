import MMUMemory
package import MMUPaging

/// What a vector says comes of one access, or what the code made of it.
package enum VerifyOutcome: Hashable, Sendable {
  /// The access is permitted and reaches this byte.
  case physical(UInt64)
  /// #PF.
  case pageFault(code: UInt64, address: UInt64)
  /// #GP(0).
  case generalProtection
  /// A table lies where there is no RAM; no vector expects it.
  case busError(UInt64)

  /// Reads `{"pa"}`, `{"fault":"pf","error","cr2"}` or `{"fault":"gp","error":0}`.
  package init(_ value: VectorValue) throws(VectorError) {
    if value.member("pa") != nil {
      self = .physical(try value.word("pa"))
      return
    }
    switch try value.text("fault") {
    case "pf": self = .pageFault(code: try value.word("error"), address: try value.word("cr2"))
    case "gp":
      guard try value.word("error") == 0 else {
        throw VectorError("a #GP of a translation has error code 0")
      }
      self = .generalProtection
    case let other: throw VectorError("\"\(other)\" is neither \"pf\" nor \"gp\"")
    }
  }

  /// The outcome that a fault of the translation is.
  package init(_ fault: TranslationFault) {
    switch fault {
    case .pageFault(let fault):
      self = .pageFault(code: fault.errorCode.rawValue, address: fault.address.rawValue)
    case .generalProtection: self = .generalProtection
    case .busError(let place): self = .busError(place.rawValue)
    }
  }

  /// What `mmu` makes of an access.
  package init(_ mmu: MMU, _ address: UInt64, _ access: Access) {
    do {
      self = .physical(try mmu.translate(linear: address, for: access).rawValue)
    } catch {
      self = Self(error)
    }
  }

  /// What a pure walk makes of it.
  package init(_ result: ReferenceTranslator.Result) {
    switch result {
    case .translated(let place, _): self = .physical(place.rawValue)
    case .fault(let fault): self = Self(fault)
    }
  }

  package var words: String {
    switch self {
    case .physical(let place): return "physical address 0x\(hex(place))"
    case .pageFault(let code, let address):
      return "#PF, error code \(ErrorCode(rawValue: code)), CR2 0x\(hex(address))"
    case .generalProtection: return "#GP(0)"
    case .busError(let place): return "a table beyond RAM, at 0x\(hex(place))"
    }
  }
}

/// The access of a vector, as in "user write to 0x7000".
package struct VerifyAccess: Hashable, Sendable {
  package let access: Access
  package let alignmentCheck: Bool
  package let address: UInt64

  package init(access: Access, alignmentCheck: Bool, address: UInt64) {
    self.access = access
    self.alignmentCheck = alignmentCheck
    self.address = address
  }

  /// Reads `cpl`, `access`, `ac` and `va`.
  package init(_ value: VectorValue) throws(VectorError) {
    let kind: Access.Kind
    switch try value.text("access") {
    case "r": kind = .read
    case "w": kind = .write
    case "x": kind = .fetch
    case let other: throw VectorError("access \"\(other)\" is none of r, w, x")
    }
    let level = try value.word("cpl")
    guard level <= 3 else { throw VectorError("cpl \(level) is not 0 to 3") }
    access = Access(kind, level == 3 ? .user : .supervisor)
    alignmentCheck = try value.flag("ac")
    address = try value.word("va")
  }

  package var words: String {
    let mode = access.mode == .user ? "user" : "supervisor"
    let verb = access.kind == .read ? "read of" : access.kind == .write ? "write to" : "fetch from"
    return "\(mode) \(verb) 0x\(hex(address))"
  }
}

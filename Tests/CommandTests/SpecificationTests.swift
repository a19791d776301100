import MMUKernel
import MMUKit
import MMUPolicy
import TestSupport
import Testing

@testable import MMUCommands
@testable import MMUReporting

@Suite struct `Specification pages` {
  @Test func `the cost model page names every cost with its value`() {
    let page = contents(repositoryRoot() + "/Spec/CostModel.md")
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `cost.") }
    for field in ConfigurationField.all where field.name.hasPrefix("cost.") {
      let value = field.value?(MachineConfiguration()).text ?? ""
      #expect(
        rows.contains { $0.contains("`\(field.name)`") && $0.contains("| \(value) |") },
        "\(field.name) = \(value)")
    }
  }

  @Test func `the report page names every counter`() {
    let page = contents(repositoryRoot() + "/Spec/Report.md")
    for counter in ReportCounter.all {
      let parts = counter.key.split(separator: ".")
      let last = String(parts[parts.count - 1])
      let folder = parts.dropLast().joined(separator: ".")
      let found = page.split(separator: "\n").contains { line in
        line.contains("`\(counter.key)`")
          || (line.contains("`\(folder).{") && line.contains(last))
      }
      #expect(found, "\(counter.key)")
    }
  }

  @Test(arguments: [
    ("walks.jsonl", 86), ("tlb.jsonl", 12), ("replacement.json", 3), ("fit.json", 1),
    ("buddy.json", 1),
  ])
  func `the example vectors pass`(name: String, count: Int) {
    let result = mmuemu(["verify", repositoryRoot() + "/Programs/vectors/" + name])
    #expect(result.output == "\(count) passed, 0 failed\n")
    #expect(result.status == 0)
  }

  @Test func `the vectors page names every member of the example vectors`() {
    let page = contents(repositoryRoot() + "/Spec/Verify.md")
    for name in ["walks.jsonl", "tlb.jsonl", "replacement.json", "fit.json", "buddy.json"] {
      let text = contents(repositoryRoot() + "/Programs/vectors/" + name)
      for match in text.matches(of: /"([a-z_0-9]+)":/) where match.1 != "belady" {
        #expect(
          page.contains("`\(match.1)`") || page.contains("\"\(match.1)\":"), "\(match.1)")
      }
    }
  }

  @Test func `the page of memory pressure names every policy and every option of a run about it`() {
    let page = contents(repositoryRoot() + "/Spec/Reclaim.md")
    for policy in ReclaimPolicyKind.allCases {
      #expect(page.contains("\n**\(policy.rawValue)**"), "\(policy)")
    }
    let options: [Option] = [
      .swap, .swapErrors, .compressedSwap, .swappiness, .policy, .residentLimit,
    ]
    for row in options.map(\.row) {
      #expect(page.contains("| `\(row.name) "), "\(row.name)")
      #expect(page.contains("| `\(row.field ?? "")` |"), "\(row.name)")
    }
  }

  @Test func `the policies page names every policy`() {
    let page = contents(repositoryRoot() + "/Spec/Policies.md")
    for policy in ReplacementPolicy.all {
      #expect(page.contains("| `\(policy.name)` |"), "\(policy.name)")
    }
  }
}

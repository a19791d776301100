// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// No check at run time that accesses to a class's property exclude each other, in release builds.
///
/// The kernel's objects are classes whose properties other modules may read, and the checks would be
/// half the cost of a context switch; debug builds, and so all tests, make them.
let unchecked: [SwiftSetting] = [
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

/// One library target of ours; `on` names the targets it may import, always downwards.
func library(
  _ name: String, on dependencies: [String] = [], with more: [SwiftSetting] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    swiftSettings: settings + more)
}

func tests(_ name: String, of dependencies: [String]) -> Target {
  .testTarget(
    name: name, dependencies: (dependencies + ["TestSupport"]).map { .byName(name: $0) },
    swiftSettings: settings)
}

let package = Package(
  name: "mmuemu",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "MMUKit", targets: ["MMUKit"]),
    .library(name: "MMUPolicy", targets: ["MMUPolicy"]),
    .library(name: "MMUCommands", targets: ["MMUCommands"]),
    .executable(name: "mmuemu", targets: ["mmuemu"]),
  ],
  targets: [
    library("MMUMemory"),
    library("MMUCompression"),
    library("MMUTiming", on: ["MMUMemory"]),
    library("MMUPolicy"),
    library("RISCV"),
    library("ExecutableFormat"),
    library("MMUAssembly", on: ["RISCV", "ExecutableFormat"]),
    library("MMUPaging", on: ["MMUMemory", "MMUTiming"]),
    library("MMUExecution", on: ["RISCV", "MMUMemory", "MMUPaging", "MMUTiming"]),
    library(
      "MMUKernel",
      on: ["MMUMemory", "MMUCompression", "MMUTiming", "MMUPaging", "RISCV", "ExecutableFormat"],
      with: unchecked),
    library(
      "MMUKit",
      on: [
        "MMUMemory", "MMUTiming", "RISCV", "ExecutableFormat", "MMUAssembly", "MMUPaging",
        "MMUExecution", "MMUKernel",
      ]),
    library("MMUReporting", on: ["MMUKit", "MMUAssembly", "MMUPolicy"]),
    library("MMULabs", on: ["MMUMemory", "MMUAssembly"]),
    library(
      "MMUCommands",
      on: [
        "MMUReporting", "MMUKit", "MMUAssembly", "MMUMemory", "MMUPaging", "MMUKernel", "MMUPolicy",
        "MMULabs", "RISCV", "ExecutableFormat",
      ]),
    .executableTarget(name: "mmuemu", dependencies: ["MMUCommands"], swiftSettings: settings),
    .executableTarget(
      name: "Benchmarks",
      dependencies: ["MMUKit", "MMUMemory", "MMUPaging", "MMUPolicy", "MMUCompression"],
      swiftSettings: settings),

    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
    tests("MemoryTests", of: ["MMUMemory"]),
    tests("CompressionTests", of: ["MMUCompression"]),
    tests("LabsTests", of: ["MMULabs", "MMUMemory", "MMUAssembly", "MMUCommands"]),
    tests("RISCVTests", of: ["RISCV"]),
    tests("ExecutableFormatTests", of: ["ExecutableFormat"]),
    tests("PolicyTests", of: ["MMUPolicy", "MMUCommands"]),
    tests("AssemblyTests", of: ["MMUAssembly", "ExecutableFormat"]),
    tests("PagingTests", of: ["MMUMemory", "MMUTiming", "MMUPaging", "MMUCommands"]),
    tests("ExecutionTests", of: ["MMUExecution", "MMUKit", "MMUAssembly"]),
    tests("KernelTests", of: ["MMUKernel", "MMUKit"]),
    tests(
      "CommandTests",
      of: [
        "MMUCommands", "MMUReporting", "MMUKit", "MMUExecution", "MMUMemory", "MMUPaging",
        "MMUKernel", "MMUPolicy",
      ]),
  ]
)

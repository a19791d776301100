import MMUCommands

@main
struct Main {
  static func main() {
    let status = Commands.main(Array(CommandLine.arguments.dropFirst()), streams: .process())
    Commands.exit(status)
  }
}

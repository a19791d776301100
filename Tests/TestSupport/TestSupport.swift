// What every test target shares: where the test data lives.

/// The repository's root, found from this file's own path.
public func repositoryRoot(_ file: StaticString = #filePath) -> String {
  let path = "\(file)"
  guard let range = path.range(of: "/Tests/") else { return "." }
  return String(path[..<range.lowerBound])
}

extension StringProtocol {
  /// The first place `needle` occurs; the standard library alone has no such search.
  fileprivate func range(of needle: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(needle) {
        return start..<index(start, offsetBy: needle.count)
      }
      formIndex(after: &start)
    }
    return nil
  }
}

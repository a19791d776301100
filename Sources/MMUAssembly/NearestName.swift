/// The candidate most like a mistyped name, if one is like enough: "did you mean".
///
/// Distance counts insertions, deletions, substitutions and swaps of neighbours; a third of the name's
/// length is allowed. Equal distances go to the earlier candidate.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  let wanted = Array(name.utf8.prefix(64))
  guard !wanted.isEmpty else { return nil }
  var best: (name: String, distance: Int)?
  var limit = max(1, wanted.count / 3)
  if wanted.count == 1 { limit = 0 }
  let folded = wanted.map(lowercased)
  for candidate in candidates where candidate != name {
    let other = Array(candidate.utf8)
    if other.isEmpty || abs(other.count - wanted.count) > limit { continue }
    if folded == other.map(lowercased) { return candidate }
    let distance = editDistance(wanted, other, limit: limit)
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    if let best, best.distance == 1 { limit = 1 }
  }
  return best?.name
}

private func lowercased(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }

/// Optimal string alignment distance; anything beyond `limit` may be reported as `limit + 1`.
private func editDistance(_ left: [UInt8], _ right: [UInt8], limit: Int) -> Int {
  var beforeLast = [Int](repeating: 0, count: right.count + 1)
  var last = Array(0...right.count)
  var current = last
  for row in 1...left.count {
    current[0] = row
    var smallest = row
    for column in 1...right.count {
      let cost = left[row - 1] == right[column - 1] ? 0 : 1
      var value = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + cost)
      if row > 1, column > 1, left[row - 1] == right[column - 2],
        left[row - 2] == right[column - 1]
      {
        value = min(value, beforeLast[column - 2] + 1)
      }
      current[column] = value
      smallest = min(smallest, value)
    }
    if smallest > limit { return limit + 1 }
    (beforeLast, last, current) = (last, current, beforeLast)
  }
  return last[right.count]
}

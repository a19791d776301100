/// Doubly linked lists whose nodes are numbers: the links are two words a node, no node is allocated.
///
/// A node is in one list at most. Each list is a ring through a node of its own behind the last one,
/// so that no end is a special case.
struct FrameLists: ~Copyable {
  private let links: UnsafeMutablePointer<(previous: UInt32, next: UInt32)>
  private let nodes: Int

  /// Makes `lists` empty lists for nodes 0..<nodes.
  init(nodes: Int, lists: Int) {
    self.nodes = nodes
    links = .allocate(capacity: nodes + lists)
    links.initialize(repeating: (0, 0), count: nodes + lists)
    for list in nodes..<nodes + lists { links[list] = (UInt32(list), UInt32(list)) }
  }

  deinit { links.deallocate() }

  /// The first node, the oldest; nil if the list is empty.
  @inline(__always)
  func first(of list: Int = 0) -> Int? {
    let node = Int(links[nodes &+ list].next)
    return node == nodes &+ list ? nil : node
  }

  /// Adds a node, which is in no list, at the end.
  @inline(__always)
  mutating func append(_ node: Int, to list: Int = 0) {
    assert(node >= 0 && node < nodes, "node \(node) of \(nodes)")
    let end = nodes &+ list
    let last = links[end].previous
    links[node] = (last, UInt32(truncatingIfNeeded: end))
    links[Int(last)].next = UInt32(truncatingIfNeeded: node)
    links[end].previous = UInt32(truncatingIfNeeded: node)
  }

  /// Takes a node out of the list it is in.
  @inline(__always)
  mutating func remove(_ node: Int) {
    assert(node >= 0 && node < nodes, "node \(node) of \(nodes)")
    let link = links[node]
    links[Int(link.previous)].next = link.next
    links[Int(link.next)].previous = link.previous
  }

  /// Moves a node from where it is to the end of a list.
  @inline(__always)
  mutating func moveToEnd(_ node: Int, of list: Int = 0) {
    // Most references go to the page of the one before.
    if links[node].next == UInt32(truncatingIfNeeded: nodes &+ list) { return }
    remove(node)
    append(node, to: list)
  }
}

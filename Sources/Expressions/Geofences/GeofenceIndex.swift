/// Finds the rectangles around a position: an R-tree, packed once and for all.
///
/// Rectangles are sorted into strips from west to east, within a strip from south to north, and packed by sixteen; so
/// are the nodes above them, up to one. A lookup where nothing is near looks at a few dozen rectangles.
struct GeofenceIndex: Sendable {
    private static let fanOut = 16

    /// The rectangles of each level, the leaves first, the one or few at the top last.
    private let levels: [[GeoBox]]
    /// What each leaf stands for.
    private let items: [Int32]

    init(_ boxes: [(box: GeoBox, item: Int)]) {
        let sorted = Self.sorted(boxes)
        items = sorted.map { Int32($0.item) }
        var levels = [sorted.map(\.box)]
        while let top = levels.last, top.count > Self.fanOut { levels.append(Self.packed(top)) }
        self.levels = levels
    }

    /// Calls `body` with the item of every rectangle that touches a box; of several for one item with each.
    @inline(__always)
    func forEach(touching box: GeoBox, _ body: (Int) -> Void) {
        visit(levels.count - 1, 0..<(levels.last?.count ?? 0), box, body)
    }

    private func visit(_ level: Int, _ range: Range<Int>, _ box: GeoBox, _ body: (Int) -> Void) {
        let boxes = levels[level]
        for index in range where boxes[index].intersects(box) {
            if level == 0 {
                body(Int(items[index]))
            } else {
                let first = index * Self.fanOut
                visit(level - 1, first..<min(first + Self.fanOut, levels[level - 1].count), box, body)
            }
        }
    }

    private static func sorted(_ boxes: [(box: GeoBox, item: Int)]) -> [(box: GeoBox, item: Int)] {
        let leaves = (boxes.count + fanOut - 1) / fanOut
        let strips = max(1, Int(Double(leaves).squareRoot().rounded(.up)))
        let stripCount = (leaves + strips - 1) / strips * fanOut
        // By item among equals, so that the order is the same everywhere.
        let fromWest = boxes.sorted { ($0.box.west + $0.box.east, $0.item) < ($1.box.west + $1.box.east, $1.item) }
        return stride(from: 0, to: boxes.count, by: max(1, stripCount)).flatMap { start in
            fromWest[start..<min(start + stripCount, boxes.count)].sorted {
                ($0.box.south + $0.box.north, $0.item) < ($1.box.south + $1.box.north, $1.item)
            }
        }
    }

    private static func packed(_ boxes: [GeoBox]) -> [GeoBox] {
        stride(from: 0, to: boxes.count, by: fanOut).map { start in
            boxes[start..<min(start + fanOut, boxes.count)].reduce(GeoBox.empty) { $0.union($1) }
        }
    }
}

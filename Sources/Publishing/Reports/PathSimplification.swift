import Glibc

/// A place of a path, in degrees.
package struct PathPoint: Sendable, Hashable {
    package var latitude: Double
    package var longitude: Double

    package init(latitude: Double, longitude: Double) {
        self.latitude = latitude
        self.longitude = longitude
    }
}

/// Leaves out what a path does not need: the algorithm of Douglas and Peucker.
package enum PathSimplification {
    private static let metresOfDegree = 6_371_008.8 * Double.pi / 180

    /// The indices, ascending, of points that a line may be drawn through instead of all: every point lies within the
    /// tolerance of the line between the two kept around it. The first and the last are always kept.
    package static func kept(_ points: [PathPoint], toleranceMetres: Double) -> [Int] {
        guard points.count > 2 else { return Array(points.indices) }
        var isKept = [Bool](repeating: false, count: points.count)
        isKept[0] = true
        isKept[points.count - 1] = true
        // Pieces that wait; a stack of its own, since a long path would go deep.
        var pieces = [(0, points.count - 1)]
        while let (first, last) = pieces.popLast() {
            guard let worst = farthest(points, first, last, beyond: toleranceMetres) else { continue }
            isKept[worst] = true
            pieces.append((first, worst))
            pieces.append((worst, last))
        }
        return isKept.indices.filter { isKept[$0] }
    }

    /// The point between two others that is farthest from the line between them; nil if none is beyond the tolerance.
    private static func farthest(
        _ points: [PathPoint], _ first: Int, _ last: Int, beyond tolerance: Double
    ) -> Int? {
        var worst: (index: Int, distance: Double)?
        for index in first + 1..<max(first + 1, last) {
            let distance = metres(from: points[index], toLine: points[first], points[last])
            if distance > worst?.distance ?? tolerance { worst = (index, distance) }
        }
        return worst?.index
    }

    /// How far a point is from the line between two others, on a plane that touches the earth at the first of them.
    package static func metres(from point: PathPoint, toLine begin: PathPoint, _ end: PathPoint) -> Double {
        let scale = cos(begin.latitude * .pi / 180)
        let (endX, endY) = offset(begin, end, scale)
        let (x, y) = offset(begin, point, scale)
        let square = endX * endX + endY * endY
        let along = square > 0 ? min(1, max(0, (x * endX + y * endY) / square)) : 0
        let (awayX, awayY) = (x - along * endX, y - along * endY)
        return (awayX * awayX + awayY * awayY).squareRoot() * metresOfDegree
    }

    /// Degrees from one place to another, to the east and to the north, by the shorter way around the earth.
    private static func offset(_ from: PathPoint, _ to: PathPoint, _ scale: Double) -> (x: Double, y: Double) {
        var degrees = to.longitude - from.longitude
        if degrees > 180 { degrees -= 360 }
        if degrees < -180 { degrees += 360 }
        return (degrees * scale, to.latitude - from.latitude)
    }
}

/// The known name that a misspelt one most likely means; nil if none is near.
///
/// Near is an edit distance (insert, delete, replace, swap neighbours) of at most a third of the length, or 1.
public func nearestName(to word: String, among names: some Sequence<String>) -> String? {
    let limit = max(1, word.count / 3)
    let ranked = names.map { (distance: editDistance(word, $0), name: $0) }.filter { $0.distance <= limit }
    return ranked.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
}

/// The optimal string alignment distance of two words, whatever their case.
func editDistance(_ left: String, _ right: String) -> Int {
    let a = Array(left.lowercased())
    let b = Array(right.lowercased())
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for row in 1...a.count {
        var current = [row] + [Int](repeating: 0, count: b.count)
        for column in 1...b.count {
            let replaced = last[column - 1] + (a[row - 1] == b[column - 1] ? 0 : 1)
            current[column] = min(replaced, last[column] + 1, current[column - 1] + 1)
            if row > 1, column > 1, a[row - 1] == b[column - 2], a[row - 2] == b[column - 1] {
                current[column] = min(current[column], beforeLast[column - 2] + 1)
            }
        }
        (beforeLast, last) = (last, current)
    }
    return last[b.count]
}

import Expressions
import Telemetry

/// Makes one message of all those of so many seconds.
struct Generalization: Sendable {
    /// How the numbers of a bucket become one.
    enum Method: String, CaseIterable, Sendable {
        case average, minimum, maximum, first, last, summary
    }

    /// The length of a bucket, in microseconds; buckets are counted from 1970.
    let width: Int64
    let method: Method

    init(seconds: Int64, _ method: Method) {
        width = seconds * 1_000_000
        self.method = method
    }

    /// Reads `generalize` and `method`; nil where the first is not given.
    init?(_ input: inout InputFields, limits: OnDemandLimits) {
        let seconds = input.integer("generalize", 1...limits.bucketSecondsMax)
        let word = input.string("method")
        let method = word.map { Self.method($0) } ?? .average
        if let word, method == nil {
            let words = Method.allCases.map(\.rawValue)
            let meant = nearestName(to: word, among: words)
            input.fail(
                "method", "\"\(word.prefix(40))\" is none of \(words.joined(separator: ", "))",
                hint: meant.map { "did you mean \"\($0)\"?" })
        }
        if word != nil, seconds == nil, input.problems.isEmpty {
            input.fail("method", "says how messages are generalized, and generalize is missing")
        }
        guard let seconds, let method else { return nil }
        self.init(seconds: seconds, method)
    }

    private static func method(_ word: String) -> Method? {
        switch word {
        case "min": .minimum
        case "max": .maximum
        default: Method(rawValue: word)
        }
    }

    /// The begin of the bucket that a moment lies in.
    func start(_ moment: Int64) -> Int64 {
        let rest = moment % width
        return moment - (rest < 0 ? rest + width : rest)
    }

    /// The buckets of some rows of a sorted batch, in order.
    func buckets(_ batch: MessageBatch, rows: [Int]) -> [MessageBucket] {
        var groups: [ArraySlice<Int>] = []
        var begin = rows.startIndex
        for index in rows.indices.dropFirst() + [rows.endIndex] where index > begin {
            let isLast = index == rows.endIndex
            if isLast || start(batch.timestamps[rows[index]]) != start(batch.timestamps[rows[begin]]) {
                groups.append(rows[begin..<index])
                begin = index
            }
        }
        return groups.map { bucket(batch, rows: $0) }
    }

    private func bucket(_ batch: MessageBatch, rows: ArraySlice<Int>) -> MessageBucket {
        var bucket = MessageBucket(
            start: start(rows.first.map { batch.timestamps[$0] } ?? 0),
            acceptance: rows.lazy.map { batch.acceptances[$0] }.max() ?? 0)
        for column in batch.columns {
            var value = BucketValue()
            for row in rows { value.add(column.values, row) }
            if !value.isEmpty { bucket.values[column.parameter] = value }
        }
        return bucket
    }

    /// The messages that stand for finished buckets.
    func batch(_ buckets: [MessageBucket]) -> MessageBatch {
        let parameters = Set(buckets.flatMap(\.values.keys)).sorted()
        return MessageBatch(
            timestamps: buckets.map(\.start), acceptances: buckets.map(\.acceptance),
            hashes: [UInt64](repeating: 0, count: buckets.count),
            columns: parameters.map { parameter in
                var column = ValueColumn()
                for bucket in buckets { column.append(bucket.values[parameter]?.result(method)) }
                return MessageColumn(parameter: parameter, values: column)
            })
    }
}

/// Generalizes the blocks of one device, forwards or backwards: a bucket may reach from one block into the next.
struct MessageGeneralizer: Sendable {
    let generalization: Generalization
    let isReversed: Bool
    /// The bucket that the next block may go on with.
    private var open: MessageBucket?

    init(_ generalization: Generalization, isReversed: Bool) {
        self.generalization = generalization
        self.isReversed = isReversed
    }

    /// The messages of the buckets that a block finishes, in the order of time.
    mutating func take(_ batch: MessageBatch, rows: [Int]) -> MessageBatch {
        var buckets = generalization.buckets(batch, rows: rows)
        guard !buckets.isEmpty else { return MessageBatch() }
        if let open { join(open, &buckets) }
        open = isReversed ? buckets.removeFirst() : buckets.removeLast()
        return generalization.batch(buckets)
    }

    /// The message of the last bucket.
    mutating func finish() -> MessageBatch {
        defer { open = nil }
        return open.map { generalization.batch([$0]) } ?? MessageBatch()
    }

    private func join(_ open: MessageBucket, _ buckets: inout [MessageBucket]) {
        let place = isReversed ? buckets.count - 1 : 0
        if buckets[place].start == open.start {
            buckets[place] = isReversed ? buckets[place].followed(by: open) : open.followed(by: buckets[place])
        } else {
            buckets.insert(open, at: isReversed ? buckets.count : 0)
        }
    }
}

/// What is known of the messages of one bucket.
struct MessageBucket: Sendable {
    var start: Int64
    /// The latest acceptance.
    var acceptance: Int64
    var values: [ParameterID: BucketValue] = [:]

    func followed(by later: MessageBucket) -> MessageBucket {
        MessageBucket(
            start: start, acceptance: max(acceptance, later.acceptance),
            values: values.merging(later.values) { $0.followed(by: $1) })
    }
}

/// What is known of one parameter in a bucket.
struct BucketValue: Sendable {
    private var count = 0
    private var sum = 0.0
    private var minimum = Double.infinity
    private var maximum = -Double.infinity
    private var first = 0.0
    private var last = 0.0
    /// The last value that is not null, or null.
    private var latest: Value?

    var isEmpty: Bool { latest == nil }

    mutating func add(_ column: ValueColumn, _ row: Int) {
        switch column.kind(row) {
        case .absent, .error: return
        case .null: if latest == nil { latest = .null }
        case .number:
            add(column.numbers[row])
            latest = .number(column.numbers[row])
        case .boolean, .string, .json: latest = column[row]
        }
    }

    private mutating func add(_ number: Double) {
        if count == 0 { first = number }
        count += 1
        sum += number
        minimum = Swift.min(minimum, number)
        maximum = Swift.max(maximum, number)
        last = number
    }

    func followed(by later: BucketValue) -> BucketValue {
        var joined = self
        if later.count > 0 {
            if count == 0 { joined.first = later.first }
            joined.last = later.last
        }
        joined.count += later.count
        joined.sum += later.sum
        joined.minimum = Swift.min(minimum, later.minimum)
        joined.maximum = Swift.max(maximum, later.maximum)
        if let value = later.latest, value != .null || latest == nil { joined.latest = value }
        return joined
    }

    /// Numbers by the method, anything else as it was last; nil where the number is none that JSON can hold.
    func result(_ method: Generalization.Method) -> Value? {
        guard case .number? = latest else { return latest }
        let number =
            switch method {
            case .average: sum / Double(count)
            case .minimum: minimum
            case .maximum: maximum
            case .first: first
            case .last: last
            case .summary: sum
            }
        return number.isFinite ? .number(number == 0 ? 0 : number) : nil
    }
}

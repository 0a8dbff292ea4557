import PrimaryStore

/// What a loop does after a step.
enum DeliveryStep: Hashable {
    /// There is more to do.
    case again
    /// There is nothing to do until it is woken, or for so long.
    case wait(seconds: Double)
}

/// Why a step failed.
enum DeliveryFailure: Error {
    case sink(SinkError)
    case store(StoreError)

    var isRefused: Bool {
        if case .sink(.refused) = self { true } else { false }
    }

    /// Whether the connection to the sink may not be used any more.
    var isOfSink: Bool {
        if case .sink = self { true } else { false }
    }

    var words: String {
        switch self {
        case .sink(.retry(let reason)), .sink(.refused(let reason)): reason
        case .store(let error): "\(error)"
        }
    }
}

/// Calls a sink.
func deliver<Value>(_ body: () throws(SinkError) -> Value) throws(DeliveryFailure) -> Value {
    do { return try body() } catch { throw .sink(error) }
}

/// Reads from the store.
func fetch<Value>(_ body: () throws(StoreError) -> Value) throws(DeliveryFailure) -> Value {
    do { return try body() } catch { throw .store(error) }
}

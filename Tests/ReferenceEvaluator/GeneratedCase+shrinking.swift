extension GeneratedCase {
    /// A smaller case that still fails: messages, counters and selectors are left out as long as it does.
    public func shrunk(while fails: (GeneratedCase) -> Bool) -> GeneratedCase {
        var smallest = self
        var isProgressing = true
        while isProgressing {
            isProgressing = false
            for candidate in [
                smallest.withFewerMessages(fails), smallest.withFewer("counters", fails),
                smallest.withFewer("selectors", fails),
            ].compactMap({ $0 }).prefix(1) {
                smallest = candidate
                isProgressing = true
            }
        }
        return smallest
    }

    /// The first failing case with a run of messages left out, long runs first.
    private func withFewerMessages(_ fails: (GeneratedCase) -> Bool) -> GeneratedCase? {
        var length = messages.count / 2
        while length > 0 {
            for start in stride(from: 0, through: messages.count - length, by: length) {
                var candidate = self
                candidate.messages.removeSubrange(start..<start + length)
                if fails(candidate) { return candidate }
            }
            length /= 2
        }
        return nil
    }

    /// The first failing case with one item of a list of the calculator left out.
    private func withFewer(_ key: String, _ fails: (GeneratedCase) -> Bool) -> GeneratedCase? {
        guard case .object(let members)? = try? JSONTree(calculatorJSON),
            let place = members.firstIndex(where: { $0.key == key }), case .array(let items) = members[place].value,
            key == "counters" || items.count > 1
        else { return nil }
        for index in items.indices {
            var (fewer, changed, candidate) = (items, members, self)
            fewer.remove(at: index)
            changed[place].value = .array(fewer)
            candidate.calculatorJSON = JSONTree.object(changed).text
            if fails(candidate) { return candidate }
        }
        return nil
    }

    /// Everything that is needed to see the case: calculator and messages as JSON lines.
    public var report: String {
        let lines = messages.map { message in
            let stamps = [
                JSONTree.Member(key: "timestamp", value: .number(Double(message.timestampMicroseconds) / 1e6)),
                JSONTree.Member(key: "server.timestamp", value: .number(Double(message.acceptanceMicroseconds) / 1e6)),
            ]
            let values = message.values.sorted { $0.key < $1.key }
                .map { JSONTree.Member(key: $0.key, value: JSONTree($0.value)) }
            return JSONTree.object(stamps + values).text
        }
        let now = RefValue.text(of: Double(nowMicroseconds) / 1e6)
        return (["seed \(seed), \(timeZoneIdentifier), now \(now)", calculatorJSON, geofencesJSON] + lines)
            .joined(separator: "\n")
    }
}

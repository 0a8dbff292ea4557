import Glibc
import Telemetry

/// The parameter names met so far, found by their raw bytes so that no string is made for a name seen before.
///
/// The hash is seeded anew for every cache: a sender cannot choose names that collide.
struct KeyCache {
    /// What a name means to the assembler.
    enum Role {
        case column, latitude, longitude, timestamp, ident
        /// Supplied by the engine, whatever the sender says.
        case engine
        /// Cannot be a parameter's name.
        case refused
    }

    struct Key {
        var role: Role
        var type: ParameterDictionary.ValueType?
        /// Set once a message that is kept has the parameter, so that refused messages add no names to the table.
        var parameter: ParameterID?
        /// The part of the payload hash that the name gives; nil if the parameter is no part of the hash.
        var nameHash: UInt64?
    }

    private(set) var keys: [Key] = []
    private(set) var names: [String] = []
    /// Spellings that Unicode holds equal are one key, as they are one parameter.
    private var indexOfName: [String: Int] = [:]
    private var keyOfSpelling: [Int] = []
    /// The spellings one after the other, each between quotes.
    private var nameBytes: [UInt8] = []
    private var nameEnds: [Int] = []
    /// Whether a spelling stands in JSON as it is: one with a quote in it could be taken for more than a name.
    private var isPlain: [Bool] = []
    private var hashes: [UInt64] = []
    private var slots = [Int32](repeating: -1, count: 128)
    /// The spelling that followed each spelling the last time, for messages of one sender repeat their order.
    private var followers: [Int] = [-1]
    private var lastSpelling = -1
    private let seed = UInt64.random(in: .min ... .max)
    private let nameLengthMax: Int

    init(nameLengthMax: Int) { self.nameLengthMax = nameLengthMax }

    /// The index of a name.
    mutating func index(of name: UnsafeBufferPointer<UInt8>) -> Int {
        let guess = followers[lastSpelling + 1]
        if guess >= 0, isName(guess, name) {
            lastSpelling = guess
            return keyOfSpelling[guess]
        }
        let spelling = find(name)
        followers[lastSpelling + 1] = spelling
        lastSpelling = spelling
        return keyOfSpelling[spelling]
    }

    /// The index of the name that a scanner comes to, taken from it, if it is the one that followed last time.
    mutating func takeFollower(from scanner: inout JSONScanner) -> Int? {
        let guess = followers[lastSpelling + 1]
        guard guess >= 0, isPlain[guess] else { return nil }
        let start = guess == 0 ? 0 : nameEnds[guess - 1]
        let isTaken = nameBytes.withUnsafeBytes { known in
            scanner.take(UnsafeRawBufferPointer(rebasing: known[start..<nameEnds[guess]]))
        }
        guard isTaken else { return nil }
        lastSpelling = guess
        return keyOfSpelling[guess]
    }

    /// Tells that a message ends: the next name follows nothing.
    mutating func endMessage() { lastSpelling = -1 }

    /// The index of a name given as text.
    mutating func index(of name: String) -> Int {
        var name = name
        return name.withUTF8 { index(of: $0) }
    }

    /// How many spellings have been met.
    var nameCount: Int { hashes.count }

    /// How many bytes they have.
    var byteCount: Int { nameBytes.count }

    /// Gives a key its parameter, added to the table if it is new; false if the table takes no more.
    mutating func resolve(_ index: Int, in table: ParameterTable) -> Bool {
        if keys[index].parameter != nil { return true }
        guard let made = table.id(for: names[index]) else { return false }
        keys[index].parameter = made
        if !PayloadHash.ignored.contains(names[index]) {
            keys[index].nameHash = table.nameHash(made) &* 0x9e37_79b9_7f4a_7c15
        }
        return true
    }
}

extension KeyCache {
    private mutating func find(_ name: UnsafeBufferPointer<UInt8>) -> Int {
        let hash = hash(name)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
            let spelling = Int(slots[slot])
            if hashes[spelling] == hash, isName(spelling, name) { return spelling }
            slot = (slot + 1) & (slots.count - 1)
        }
        return add(name, hash)
    }

    private mutating func add(_ name: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> Int {
        let spelling = hashes.count
        keyOfSpelling.append(key(String(decoding: name, as: UTF8.self)))
        hashes.append(hash)
        nameBytes.append(UInt8(ascii: "\""))
        nameBytes.append(contentsOf: name)
        nameBytes.append(UInt8(ascii: "\""))
        nameEnds.append(nameBytes.count)
        isPlain.append(name.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        followers.append(-1)
        if hashes.count * 2 > slots.count { grow() } else { place(spelling) }
        return spelling
    }

    private mutating func key(_ name: String) -> Int {
        if let known = indexOfName[name] { return known }
        names.append(name)
        keys.append(Key(role: role(name), type: ParameterDictionary.entries[name]?.type))
        indexOfName[name] = keys.count - 1
        return keys.count - 1
    }

    private func role(_ name: String) -> Role {
        switch name {
        case "timestamp": .timestamp
        case "ident": .ident
        case "device.id", "device.name", "device.type.id", "server.timestamp": .engine
        case "position.latitude": .latitude
        case "position.longitude": .longitude
        default: name.isEmpty || name.utf8.count > nameLengthMax ? .refused : .column
        }
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        for spelling in hashes.indices { place(spelling) }
    }

    private mutating func place(_ spelling: Int) {
        var slot = Int(truncatingIfNeeded: hashes[spelling]) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(spelling)
    }

    private func isName(_ spelling: Int, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = (spelling == 0 ? 0 : nameEnds[spelling - 1]) + 1
        guard nameEnds[spelling] - 1 - start == name.count else { return false }
        guard let given = name.baseAddress else { return true }
        return nameBytes.withUnsafeBytes { known in
            known.baseAddress.map { memcmp($0 + start, given, name.count) == 0 } ?? false
        }
    }

    private func hash(_ name: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(name)
        var state = seed ^ UInt64(truncatingIfNeeded: raw.count)
        var offset = 0
        while offset + 8 <= raw.count {
            state = fold(state, raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < raw.count {
            rest = rest << 8 | UInt64(raw[offset])
            offset += 1
        }
        return mix64(fold(state, rest))
    }

    /// The full product folded: every bit of both halves counts.
    private func fold(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15 ^ seed | 1)
        return product.high ^ product.low
    }
}

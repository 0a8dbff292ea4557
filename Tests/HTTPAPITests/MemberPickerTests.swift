import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Members picked from stored objects")
struct MemberPickerTests {
    @Test(
        "The bytes are those of the parsed object, cut to the fields and written again",
        arguments: 1...20 as ClosedRange<UInt64>)
    func asParsed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let names = ["begin", "a", "a.b", "ü", "q\"uo\\te", "tab\t", "", "route", "begin2"]
        for _ in 0..<200 {
            let members = names.shuffled(using: &random).prefix(Int.random(in: 0...names.count, using: &random))
            let object = JSONValue.object(members.map { .init($0, Self.value(&random, depth: 0)) })
            let wanted = Array(names.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random)))
            var text = [UInt8(ascii: "{")]
            MemberPicker(wanted).pick(from: Array(object.text.utf8), into: &text)
            text.append(UInt8(ascii: "}"))
            #expect(String(decoding: text, as: UTF8.self) == object.cut(to: wanted).text, "seed \(seed)")
        }
    }

    @Test("A dotted name finds its value in all the places where it may lie")
    func paths() throws {
        let object = "{\"a\":{\"b\":{\"c\":1},\"b.c\":2},\"a.b\":{\"c\":3},\"a.b.c\":4,\"b\":5}"
        var text = [UInt8(ascii: "{")]
        MemberPicker(pathsTo: ["a.b.c"]).pick(from: Array(object.utf8), into: &text)
        #expect(String(decoding: text, as: UTF8.self) + ",\"b\":5}" == object)
    }

    private static func value(_ random: inout SeededGenerator, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth < 3 ? 8 : 6), using: &random) {
        case 0: .null
        case 1: .boolean(Bool.random(using: &random))
        case 2: .number(Double(Int.random(in: -5...5, using: &random)) / 4)
        case 3: .string("},{\"begin\":[\\\"")
        case 4: .string("")
        case 5: .number(1e300)
        case 6: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth: depth + 1) })
        default: .object(["x", "begin"].map { .init($0, value(&random, depth: depth + 1)) })
        }
    }
}

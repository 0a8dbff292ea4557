import Telemetry
import Testing

@testable import Ingest

@Suite struct JSONLinesImportTests {
    @Test("a bad line is counted with its number and does not stop the file")
    func lines() throws {
        let file = try Imported(
            """
            {"timestamp":1617016425,"ident":"a","x":1}

            {"timestamp":1617016426,"x":2
            {"timestamp":1617016427,"position.speed":"no","x":3}
            [{"timestamp":1617016428,"x":4},{"x":5}]
            not json
            7
            """, .jsonl)
        #expect(file.seconds(ident: "a") == [1_617_016_425])
        #expect(file.seconds() == [1_617_016_427, 1_617_016_428])
        #expect(file.values("x") == [.number(3), .number(4)])
        #expect(file.refused == 4)
        #expect(file.problems.map(\.index) == [3, 4, 5, 6, 7])
        #expect(file.problems[0].reason == "column 30: expected ',' or '}', found the end of the text")
    }

    @Test("an array with an object a line is read like lines")
    func arrayOfLines() throws {
        let file = try Imported(
            """
            [
              {"timestamp":1617016425,"x":1},
              {"timestamp":1617016426,"x":2}
            ]
            """, .jsonl)
        #expect(file.values("x") == [.number(1), .number(2)])
        #expect(file.refused == 0)
    }

    @Test("formats are told by the file's name")
    func formats() {
        #expect(ImportFormat(file: "a/b.CSV") == .csv)
        #expect(ImportFormat(file: "x.gpx") == .gpx)
        #expect(ImportFormat(file: "x.ndjson") == .jsonl)
        #expect(ImportFormat(file: "-") == nil)
    }
}

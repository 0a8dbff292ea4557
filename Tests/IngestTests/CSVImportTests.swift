import Telemetry
import Testing

@testable import Ingest

@Suite struct CSVImportTests {
    @Test("well-known headers map by themselves, dotted ones are parameters, others are listed as ignored")
    func headers() throws {
        let file = try Imported(
            """
            Time_UTC,LAT,lng,Speed,my.sensor.level,Remark
            1617016425,34.1,-6.8,50,7.5,fine
            1617016426,,,,x,
            """, .csv)
        #expect(
            file.columns.map(\.parameter) == [
                "timestamp", "position.latitude", "position.longitude", "position.speed", "my.sensor.level", nil,
            ])
        #expect(file.accepted == 2)
        #expect(file.values("position.latitude") == [.number(34.1), nil])
        #expect(file.values("my.sensor.level") == [.number(7.5), .string("x")])
        #expect(file.byIdent["device"]?.acceptances == file.byIdent["device"]?.timestamps)
    }

    @Test("quotes hold delimiters, line ends and quotes", arguments: [",", ";", "\t"])
    func quotes(delimiter: String) throws {
        let file = try Imported(
            ["timestamp", "note.text", "b.c"].joined(separator: delimiter) + "\r\n"
                + ["1617016425", "\"a\(delimiter)\"\"b\"\"\nc\"", "true"].joined(separator: delimiter) + "\r\n\r\n"
                + ["1617016426", "5\" pipe", "\"\""].joined(separator: delimiter), .csv)
        #expect(file.values("note.text") == [.string("a\(delimiter)\"b\"\nc"), .string("5\" pipe")])
        #expect(file.values("b.c") == [.boolean(true), nil])
    }

    @Test("a mapping names column and unit, joins columns, and gives constants")
    func mappings() throws {
        let file = try Imported(
            """
            when:day,clock,who,velocity,fix,Dist,height,raw
            03/29/2021,11:13:45,T1,60,3.0,10,100,125
            03/29/2021,11:13:46,T2,,0,10,,
            """, .csv, ident: nil,
            map: [
                "timestamp=when:day+clock:mdy", "ident=who", "speed=velocity:mph", "position.valid=fix:fix",
                "vehicle.mileage=Dist:mi", "alt=HEIGHT:ft", "vehicle.type=\"van\"", "sensor.level=raw:x0.1",
            ])
        #expect(file.seconds(ident: "T1") == [1_617_016_425])
        #expect(file.values("position.speed", ident: "T1") == [.number(96.56064)])
        #expect(file.values("position.valid", ident: "T1") == [.boolean(true)])
        #expect(file.values("position.valid", ident: "T2") == [.boolean(false)])
        #expect(file.values("vehicle.mileage", ident: "T1") == [.number(16.09344)])
        #expect(file.values("position.altitude", ident: "T1") == [.number(30.48)])
        #expect(file.values("vehicle.type", ident: "T2") == [.string("van")])
        #expect(file.values("sensor.level", ident: "T1") == [.number(12.5)])
    }

    @Test("a bad line is counted with its number and does not stop the file")
    func badLines() throws {
        let file = try Imported(
            """
            timestamp,lat,lon,speed
            1617016425,34,-6,1

            yesterday,34,-6,1
            1617016427,34,1555.6,2
            1617016428123,34,-6,1
            ,34,-6,1
            1617016429,34,-6,N/A
            """, .csv)
        #expect(file.accepted == 3)
        #expect(file.refused == 3)
        #expect(file.problems.map(\.index) == [4, 5, 6, 7, 8])
        #expect(file.values("position.longitude") == [.number(-6), nil, .number(-6)])
        #expect(file.values("position.speed") == [.number(1), .number(2), nil])
    }

    @Test("dates with slashes take the order that the first rows show, or ask for it")
    func dateOrders() throws {
        let header = "timestamp,a.b\n"
        #expect(try Imported(header + "3/4/2021 1:00,1\n3/29/2021 1:00,1", .csv).seconds().first == 1_614_819_600)
        #expect(try Imported(header + "3/4/2021 1:00,1\n29/4/2021 1:00,1", .csv).seconds().first == 1_617_411_600)
        for rows in ["3/4/2021 1:00,1", "3/29/2021 1:00,1\n29/3/2021 1:00,1"] {
            let error = #expect(throws: ImportError.self) { try Imported(header + rows, .csv) }
            #expect(error?.description.contains("--map timestamp=timestamp:dmy") == true)
        }
        let told = try Imported(header + "3/4/2021 1:00,1", .csv, map: ["timestamp=timestamp:dmy"])
        #expect(told.seconds() == [1_617_411_600])
    }

    @Test(
        "timestamps come in the unit that is named",
        arguments: [
            ("s", "1617016425"), ("ms", "1617016425000"), ("us", "1617016425000000"), ("iso", "2021-03-29T11:13:45Z"),
        ])
    func timestampFormats(unit: String, text: String) throws {
        #expect(try Imported("t,a.b\n\(text),1", .csv, map: ["timestamp=t:\(unit)"]).seconds() == [1_617_016_425])
    }

    @Test("values take the dictionary's type; codes keep their zeros; semicolons allow decimal commas")
    func types() throws {
        let file = try Imported(
            """
            timestamp;vehicle.vin;ignition;tag.code;x.y
            1617016425;12345;1;007;1,5
            1617016426;2;off;0.5;TRUE
            """, .csv)
        #expect(file.values("vehicle.vin") == [.string("12345"), .string("2")])
        #expect(file.values("engine.ignition.status") == [.boolean(true), .boolean(false)])
        #expect(file.values("tag.code") == [.string("007"), .number(0.5)])
        #expect(file.values("x.y") == [.number(1.5), .boolean(true)])
    }

    @Test("an ident that is given leaves columns alone that only look like one")
    func givenIdent() throws {
        let text = "timestamp,device_id,x.y\n1617016425,5,1"
        #expect(try Imported(text, .csv, ident: "mine").byIdent.keys.map { $0 } == ["mine"])
        #expect(try Imported(text, .csv, ident: nil).byIdent.keys.map { $0 } == ["5"])
    }

    @Test(
        "an option that does not fit the file is said before anything is read",
        arguments: [
            ["speed=nothing"], ["speed=a:furlong"], ["speed=a", "position.speed=b"], ["timestamp=\"now\""],
            ["speed=a:ft"], ["speed=a+b"], ["timestamp=t:later"], ["speed"], ["=a"], ["speed="],
        ])
    func wrongUse(map: [String]) {
        #expect(throws: ImportError.self) { try Imported("t,a,b\n1617016425,1,2", .csv, map: ["timestamp=t"] + map) }
    }

    @Test("a file needs a header and a timestamp column")
    func headerNeeded() {
        #expect(throws: ImportError.self) { try Imported("", .csv) }
        #expect(throws: ImportError.self) { try Imported("a,b\n1,2", .csv) }
        #expect(throws: ImportError.self) {
            try ImportReader(file: "/nonexistent.csv", format: .csv, options: ImportOptions(), table: ParameterTable())
        }
    }

    @Test("a quote that nothing closes costs the rows it swallows, not the file")
    func openQuote() throws {
        let row = "1617016425,fine\n"
        let file = try Imported(
            "timestamp,note.text\n" + row + "1617016425,\"open\n" + String(repeating: row, count: 20_000), .csv)
        #expect(file.refused == 1)
        #expect(file.problems.first?.index == 3)
        #expect(file.accepted > 10_000)
    }

    @Test("blocks hold at most the asked number of messages, and a byte-order mark and Latin-1 do no harm")
    func blocks() throws {
        let rows = (0..<100).map { "\(1_617_016_425 + $0),\($0)" }.joined(separator: "\n")
        let file = try Imported("\u{feff}timestamp,x.y\n\(rows)\n", .csv, messagesPerBlockMax: 30)
        #expect(file.blocks == 4)
        #expect(file.accepted == 100)
        #expect(file.linesRead == 101)
        let latin = Array("timestamp,x.y\n1617016425,caf".utf8) + [0xe9]
        let reader = try ImportReader(memory: latin, format: .csv, options: ImportOptions(), table: ParameterTable())
        let messages = try #require(try reader.next()?.messages.first?.messages)
        #expect(messages.columns.first?.values[0] == .string("caf\u{fffd}"))
        var hash = PayloadHash()
        hash.add(nameHash: hash64("x.y".utf8), .string("caf\u{fffd}"))
        #expect(messages.hashes == [hash.value])
    }
}

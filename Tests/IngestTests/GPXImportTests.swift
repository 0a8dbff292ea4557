import Telemetry
import Testing

@testable import Ingest

@Suite struct GPXImportTests {
    @Test("points of tracks, routes and places become messages")
    func points() throws {
        let file = try Imported(
            """
            <?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY x "y">]>
            <!-- <trkpt lat="1" lon="1"> -->
            <gpx xmlns:e="urn:x"><metadata><time>2001-01-01T00:00:00Z</time></metadata>
            <wpt lat='52.5' lon="-8.5"><name>A &amp; B &#x41;</name><time> 2019-02-18T07:45:50Z </time></wpt>
            <rte><rtept lat="1" lon="2"><time>2019-02-18T07:45:51Z</time><fix>none</fix></rtept></rte>
            <trk><trkseg><trkpt lon="181" lat="2"><ele><![CDATA[19.5]]></ele><time>2019-02-18T07:45:52.5+01:00</time>
              <sat>7</sat><hdop>1.2</hdop><fix>3d</fix>
              <extensions><e:Point><e:speed>10</e:speed><e:course>271</e:course></e:Point></extensions></trkpt>
            <trkpt lat="3" lon="4"/>
            <trkpt lat="north" lon="4"><time>2019-02-18T07:45:54Z</time></trkpt>
            </trkseg></trk></gpx>
            """, .gpx)
        #expect(file.seconds() == [1_550_475_950, 1_550_475_951, 1_550_472_352.5, 1_550_475_954])
        #expect(file.refused == 1)
        #expect(file.values("position.latitude") == [.number(52.5), .number(1), nil, nil])
        #expect(file.values("position.altitude")[2] == .number(19.5))
        #expect(file.values("position.speed")[2] == .number(36))
        #expect(file.values("position.direction")[2] == .number(271))
        #expect(file.values("position.valid") == [nil, .boolean(false), .boolean(true), nil])
        #expect(file.problems.map(\.parameter) == ["position.longitude", "timestamp", "position.latitude"])
    }

    @Test(
        "broken XML gives the points before it, then its line",
        arguments: ["<trkpt lat=\"1\"", "</gpx>", "<a b=c/>", "<a>&nope;</a>", "<x", "<!-- never", "<trkseg></trk>"])
    func broken(rest: String) throws {
        let text = "<gpx>\n<trk><trkpt lat=\"1\" lon=\"2\"><time>2019-02-18T07:45:50Z</time></trkpt>\n\(rest)"
        let table = ParameterTable()
        let reader = try ImportReader(memory: Array(text.utf8), format: .gpx, options: ImportOptions(), table: table)
        #expect(try reader.next()?.accepted == 1)
        let error = #expect(throws: ImportError.self) { try reader.next() }
        guard case .malformed(let line, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(line == 3)
    }

    @Test("nesting and names have limits")
    func limits() throws {
        for text in [String(repeating: "<a>", count: 1_000), "<" + String(repeating: "n", count: 1_000) + ">"] {
            #expect(throws: ImportError.self) { try Imported(text, .gpx) }
        }
    }
}

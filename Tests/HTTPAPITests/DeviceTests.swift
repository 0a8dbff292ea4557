import HTTPAPI
import Telemetry
import Testing

@Suite("Devices")
struct DeviceTests {
    @Test("A device comes back as it was given, with its id, the defaults and the read-only fields")
    func roundTrip() async throws {
        try await TestHouse.open { house in
            let created = try await house.send(
                "POST", "/gw/devices",
                """
                [{"name":"Van 1","configuration":{"ident":"352093081429850","phone":"+254"},"messages_ttl":31536000,\
                "device_type_id":1272,"metadata":{"b":1,"a":{"c":[1,2]}}}]
                """)
            #expect(created.status == 200)
            let read = try await house.send("GET", "/gw/devices/1")
            #expect(
                read.body == """
                    {"result":[{"id":1,"name":"Van 1","enabled":true,"device_type_id":1272,"protocol_id":0,\
                    "configuration":{"ident":"352093081429850","phone":"+254"},"messages_ttl":31536000,\
                    "messages_rotate":0,"media_ttl":0,"media_rotate":0,"metadata":{"b":1,"a":{"c":[1,2]}},"cid":0,\
                    "connected":false,"blocked":false,"last_active":null,"sync_state":"synced","horizon":null}]}
                    """)
            #expect(created.body == read.body)
            #expect(read.headers["content-type"] == "application/json")
        }
    }

    @Test(
        "A wrong device is refused with the path of what is wrong",
        arguments: [
            ("{}", "configuration.ident", "is missing"),
            ("{\"configuration\":{\"ident\":\"a/b\"}}", "configuration.ident", "holds '/'"),
            ("{\"configuration\":{\"ident\":\"a#\"}}", "configuration.ident", "holds '#'"),
            ("{\"configuration\":{\"ident\":\"\\u0007\"}}", "configuration.ident", "cannot be printed"),
            ("{\"configuration\":{\"ident\":\"\"}}", "configuration.ident", "is empty"),
            ("{\"configuration\":{\"ident\":352}}", "configuration.ident", "must be a string, not a number"),
            ("{\"configuration\":\"x\"}", "configuration", "must be an object, not a string"),
            ("{\"configuration\":{\"ident\":\"a\"},\"name\":5}", "name", "must be a string, not a number"),
            ("{\"configuration\":{\"ident\":\"a\"},\"enabled\":1}", "enabled", "must be true or false"),
            ("{\"configuration\":{\"ident\":\"a\"},\"messages_ttl\":-1}", "messages_ttl", "whole number from 0"),
            ("{\"configuration\":{\"ident\":\"a\"},\"messages_ttl\":\"1\"}", "messages_ttl", "must be a number"),
            ("{\"configuration\":{\"ident\":\"a\"},\"metadata\":[]}", "metadata", "must be an object, not an array"),
            ("{\"configuration\":{\"ident\":\"a\"},\"id\":7}", "id", "given by the server"),
            ("7", "", "must be an object, not a number"),
        ])
    func refused(body: String, path: String, reason: String) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/gw/devices", body)
            #expect(response.status == 400, "\(response)")
            let error = try #require(response.errors.first { $0["path"]?.stringValue ?? "" == path }, "\(response)")
            #expect(error["reason"]?.stringValue?.contains(reason) == true, "\(response)")
            #expect(error["code"] == .number(2))
        }
    }

    @Test("A misspelt field is refused with the name that was meant and the names there are")
    func misspelt() async throws {
        try await TestHouse.open { house in
            let response = try await house.send(
                "POST", "/gw/devices", "[{\"configuration\":{\"ident\":\"a\"}},{\"configuraton\":{\"ident\":\"b\"}}]")
            #expect(response.status == 200, "the first device is made: \(response)")
            #expect(response.result.count == 1)
            #expect(
                response.errors.contains { $0["path"]?.stringValue == "[1].configuraton" && $0["index"] == .number(1) })
            #expect(response.reasons.contains("did you mean \"configuration\"?"))
            #expect(response.json["schema_hint"]?["suggestion"] == .string("configuration"))
            #expect(response.json["schema_hint"]?["fields"]?.arrayValue?.contains(.string("messages_ttl")) == true)
        }
    }

    @Test("Metadata has its limits in bytes and keys")
    func metadata() async throws {
        try await TestHouse.open { house in
            let big =
                "{\"configuration\":{\"ident\":\"a\"},\"metadata\":{\"x\":\"\(String(repeating: "y", count: 65_536))\"}}"
            let tooBig = try await house.send("POST", "/gw/devices", big)
            #expect(tooBig.reasons.contains("over 65536 bytes"))
            let keys = (0..<257).map { "\"k\($0)\":0" }.joined(separator: ",")
            let many = "{\"configuration\":{\"ident\":\"a\"},\"metadata\":{\(keys)}}"
            let tooMany = try await house.send("POST", "/gw/devices", many)
            #expect(tooMany.reasons.contains("more than 256 keys"))
        }
    }

    @Test("An ident belongs to one device only, also after a change")
    func uniqueIdent() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let b = try await house.device("b")
            let again = try await house.send("POST", "/gw/devices", "{\"configuration\":{\"ident\":\"a\"}}")
            #expect(again.status == 409)
            let renamed = try await house.send("PUT", "/gw/devices/\(b)", "{\"configuration\":{\"ident\":\"a\"}}")
            #expect(renamed.status == 409, "\(renamed)")
            #expect(try await house.send("GET", "/gw/devices/configuration.ident=b").result.count == 1)
        }
    }

    @Test("PUT replaces the fields given, PATCH merges those that are objects")
    func putAndPatch() async throws {
        try await TestHouse.open { house in
            let id = try await house.device("a", ",\"name\":\"n\",\"metadata\":{\"x\":1,\"y\":2}")
            let patched = try await house.send(
                "PATCH", "/gw/devices/\(id)", "{\"metadata\":{\"y\":3,\"x\":null},\"configuration\":{\"phone\":\"1\"}}")
            #expect(patched.result.first?["metadata"]?.text == "{\"y\":3}", "\(patched)")
            #expect(patched.result.first?["configuration"]?.text == "{\"ident\":\"a\",\"phone\":\"1\"}")
            let put = try await house.send("PUT", "/gw/devices/\(id)", "{\"metadata\":{\"z\":1}}")
            #expect(put.result.first?["metadata"]?.text == "{\"z\":1}")
            #expect(put.result.first?["name"] == .string("n"), "fields not given stay")
            let without = try await house.send("PUT", "/gw/devices/\(id)", "{\"configuration\":{}}")
            #expect(without.status == 400, "a device keeps an ident: \(without)")
            let whole = try #require(put.result.first)
            let echoed = try await house.send("PUT", "/gw/devices/\(id)", whole.text)
            #expect(echoed.status == 200, "what GET gives, PUT takes: \(echoed)")
        }
    }

    @Test("A list of ids answers for those there are, and names those there are not")
    func partial() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send("GET", "/gw/devices/1,77?fields=id")
            #expect(
                response.body
                    == "{\"result\":[{\"id\":1}],\"errors\":[{\"code\":4,\"reason\":\"there is no device 77\",\"id\":77}]}"
            )
            #expect(response.status == 200)
            let none = try await house.send("DELETE", "/gw/devices/77,78")
            #expect(none.status == 404)
            #expect(none.errors.count == 2)
            #expect(try await house.send("DELETE", "/gw/devices/1").body == "{\"result\":[{\"id\":1}]}")
            #expect(try await house.send("GET", "/gw/devices/all").body == "{\"result\":[]}")
        }
    }

    @Test("A collection is read in pages and fields")
    func pages() async throws {
        try await TestHouse.open { house in
            for ident in ["a", "b", "c"] { _ = try await house.device(ident) }
            let page = try await house.send("GET", "/gw/devices/all?fields=id&limit=2&offset=1")
            #expect(
                page.body
                    == "{\"result\":[{\"id\":2},{\"id\":3}],\"pagination\":{\"limit\":2,\"offset\":1,\"count\":3}}")
            let wrong = try await house.send("GET", "/gw/devices/all?fields=id,nme")
            #expect(wrong.reasons.contains("did you mean \"name\"?"))
            #expect(try await house.send("GET", "/gw/devices/all?limit=0").status == 400)
            #expect(
                try await house.send("GET", "/gw/devices/all?limit=ten").reasons.contains(
                    "must be a number, not \"ten\""))
        }
    }

    @Test("What is created or changed is told back with the fields asked for")
    func fieldsOfChanges() async throws {
        try await TestHouse.open { house in
            let made = try await house.send("POST", "/gw/devices?fields=id", "{\"configuration\":{\"ident\":\"a\"}}")
            #expect(made.body == "{\"result\":[{\"id\":1}]}")
            let changed = try await house.send("PATCH", "/gw/devices/1?fields=name", "{\"name\":\"n\"}")
            #expect(changed.body == "{\"result\":[{\"name\":\"n\"}]}")
            #expect(try await house.send("PUT", "/gw/devices/1?fields=nam", "{}").status == 400)
        }
    }

    @Test("A start loads what was there")
    func restart() async throws {
        try await TestHouse.open { house in
            let device = try await house.device("a", ",\"name\":\"n\"")
            let calculator = try await house.calculator()
            _ = try await house.send("POST", "/gw/calcs/\(calculator)/devices/\(device)")
            let again = try await house.restarted()
            #expect(again.deviceCount == 1)
            #expect(again.assignmentCount == 1)
        }
    }
}

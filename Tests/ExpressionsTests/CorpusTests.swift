import Expressions
import Telemetry
import Testing

/// Expressions from public calculators, each over messages with the result worked out by hand; `"!"` is an error.
@Suite("Public expressions")
struct CorpusTests {
    @Test(
        "expressions over messages give what their authors expect",
        arguments: [
            (
                "$position.speed>0 || $engine.ignition.status || $segment.vehicle.mileage>0",
                #"[{},{"position.speed":1},{"engine.ignition.status":true},{"segment.vehicle.mileage":0.1},{"position.speed":0}]"#,
                "[false,true,true,true,false]"
            ),
            ("din&8", #"[{"din":12},{"din":7},{},{"din":"8"},{"din":8.9}]"#, #"[8,0,"!",8,8]"#),
            (
                "(hdop < 1 && (din & 0x1)) || speed == 0",
                #"[{"hdop":0.8,"din":3,"speed":9},{"hdop":2,"din":1,"speed":0},{"hdop":2,"din":1,"speed":5},{"hdop":0.8,"din":2,"speed":5},{"speed":0},{}]"#,
                "[true,true,false,false,true,false]"
            ),
            (
                "abs(speed-#speed)>10||round(mileage())>20",
                #"[{"speed":0},{"speed":20},{"speed":25},{"speed":25,"position.latitude":0,"position.longitude":0},{"speed":25,"position.latitude":0,"position.longitude":1},{"speed":25,"position.latitude":0,"position.longitude":1.1}]"#,
                "[false,true,false,false,true,false]"
            ),
            (
                "#can.fuel.level<can.fuel.level",
                #"[{"can.fuel.level":10},{"can.fuel.level":11},{"can.fuel.level":11},{},{"can.fuel.level":50}]"#,
                #"["!",true,false,"!","!"]"#
            ),
            (
                "#can.fuel.volume <can.fuel.volume",
                #"[{"can.fuel.volume":10},{"can.fuel.volume":9.5},{"can.fuel.volume":30}]"#,
                #"["!",false,true]"#
            ),
            (
                "geofence() == null",
                #"[{},{"position.latitude":0,"position.longitude":0},{"position.latitude":0,"position.longitude":9}]"#,
                #"["!",false,true]"#
            ),
            (
                #"json_array_contains(geofences("metadata.zone_type"), "LOAD_PAD")"#,
                #"[{},{"position.latitude":0,"position.longitude":0},{"position.latitude":0,"position.longitude":9}]"#,
                #"["!",true,false]"#
            ),
            (
                #"position.speed > metadata("speed_limit")"#, #"[{"position.speed":91},{"position.speed":90},{}]"#,
                #"[true,false,"!"]"#
            ),
            (#"not(isnull(metadata("speed_limit")))"#, "[{}]", "[true]"),
            (#"not(isnull(metadata("unknown")))"#, "[{}]", "[false]"),
            (
                "($position.speed - previous('position.speed')) / (timestamp - previous('timestamp')) < -4",
                #"[{"timestamp":0,"position.speed":50},{"timestamp":2,"position.speed":40},{"timestamp":4,"position.speed":38},{"timestamp":6},{"timestamp":8,"position.speed":0}]"#,
                #"["!",true,false,true,"!"]"#
            ),
            (
                "position.speed != null && position.valid",
                #"[{"position.speed":0,"position.valid":true},{"position.speed":null,"position.valid":true},{"position.valid":true},{"position.speed":5,"position.valid":false},{"position.speed":5}]"#,
                "[true,false,false,false,false]"
            ),
            (
                "position.valid==true && device_status == 'Moving'",
                #"[{"position.valid":true,"device_status":"Moving"},{"position.valid":true,"device_status":"moving"},{"position.valid":1,"device_status":"Moving"},{"device_status":"Moving"}]"#,
                "[true,false,true,false]"
            ),
            (
                "can.engine.ignition.status == true",
                #"[{"can.engine.ignition.status":true},{"can.engine.ignition.status":false},{"can.engine.ignition.status":null},{}]"#,
                #"[true,false,false,"!"]"#
            ),
            (
                #"if(exists("custom.par158"), custom.par158 * 0.02685, if(exists("can.fuel.level"), ((can.fuel.level * 0.01) * 21.1), null))"#,
                #"[{"custom.par158":200,"can.fuel.level":50},{"can.fuel.level":50},{},{"custom.par158":null}]"#,
                "[5.37,10.55,null,0]"
            ),
            (
                #"if(exists("custom.par153"), custom.par153 * 0.005, if(exists("can.vehicle.mileage"), can.vehicle.mileage, vehicle.mileage))"#,
                #"[{"custom.par153":1000},{"can.vehicle.mileage":7},{"vehicle.mileage":8},{}]"#, #"[5,7,8,"!"]"#
            ),
            (
                "cid==123&&tonumber(payload)>10",
                #"[{"cid":123,"payload":"11"},{"cid":123,"payload":"9"},{"cid":123,"payload":"abc"},{"cid":1,"payload":"11"},{"cid":"123","payload":11}]"#,
                "[true,false,false,false,true]"
            ),
            (
                #"name=="my tracker" || device_type_id==42"#,
                #"[{"name":"my tracker"},{"device_type_id":42},{"name":"x","device_type_id":41},{}]"#,
                "[true,true,false,false]"
            ),
            (
                "$calculated == false", #"[{"calculated":false},{"calculated":true},{},{"calculated":0}]"#,
                "[true,false,false,true]"
            ),
        ])
    func messages(_ source: String, _ messages: String, _ expected: String) throws {
        let pad =
            #"[{"name":"pad","type":"circle","center":{"lat":0,"lon":0},"radius":1,"metadata":{"zone_type":"LOAD_PAD"}}]"#
        let trial = try Trial(source, messages, metadata: #"{"speed_limit":90}"#, geofences: pad)
        #expect(try trial.results == Trial.expected(expected))
        #expect(try trial.resultsApart() == Trial.expected(expected))
    }

    @Test(
        "expressions over the fields of intervals give what their authors expect",
        arguments: [
            (
                "if(previous('end'), begin - previous('end'), 0)",
                #"[{"begin":10,"end":20},{"begin":50,"end":60}]"#, "[0,30]"
            ),
            (
                "begin - previous('end') >= 3600",
                #"[{"begin":10,"end":20},{"begin":4000,"end":5000},{"begin":8600,"end":9000}]"#, "[false,true,true]"
            ),
            ("fuel.after-fuel.before", #"[{"fuel.after":30,"fuel.before":12.5},{"fuel.after":30}]"#, #"[17.5,"!"]"#),
            (
                "$mileage_end - $mileage_start", #"[{"mileage_end":30,"mileage_start":12.5},{"mileage_end":30},{}]"#,
                "[17.5,30,0]"
            ),
            ("duration /60", #"[{"duration":90}]"#, "[1.5]"),
            (
                #"from_zone_type == "LOAD_PAD" && to_zone_type == "DUMP_AREA""#,
                #"[{"from_zone_type":"LOAD_PAD","to_zone_type":"DUMP_AREA"},{"from_zone_type":"LOAD_PAD"},{"from_zone_type":null,"to_zone_type":"DUMP_AREA"}]"#,
                "[true,false,false]"
            ),
            ("odometer.end - odometer.start", #"[{"odometer.end":5,"odometer.start":2}]"#, "[3]"),
            ("fuel.start.liters/3.785", #"[{"fuel.start.liters":37.85,"fuel.start":1}]"#, "[10]"),
            ("fuel.delta>3", #"[{"fuel.delta":3},{"fuel.delta":3.1},{}]"#, #"[false,true,"!"]"#),
        ])
    func intervals(_ source: String, _ fields: String, _ expected: String) throws {
        let trial = try Trial(source, fields, scope: .interval)
        #expect(try trial.results == Trial.expected(expected))
        #expect(try trial.resultsApart() == Trial.expected(expected))
    }

    @Test("a minus between dotted names subtracts; dots belong to the names")
    func lexerTrap() throws {
        let trial = try Trial("fuel.after-fuel.before", #"[{"fuel.after":5,"fuel.before":3,"fuel":100}]"#)
        #expect(Set(trial.program.names) == ["fuel.after", "fuel.before"])
        #expect(trial.results == [.number(2)])
        #expect(
            try Trial("can.axle.weight.1+can.axle.weight.2", "[{\"can.axle.weight.1\":1,\"can.axle.weight.2\":2}]")
                .results == [.number(3)])
    }

    @Test("duration is a field of an interval and a function of messages")
    func duration() throws {
        #expect(try Trial("duration*2", #"[{"duration":4}]"#, scope: .interval).results == [.number(8)])
        #expect(try Trial("duration()", #"[{"timestamp":1},{"timestamp":5}]"#).results == [.number(0), .number(4)])
        #expect(try Trial("duration()+duration", #"[{"duration":7}]"#).results == [.number(7)])
    }
}

import HTTPTypes
import Publishing
import Telemetry

extension API {
    func livePositions(_ call: Call) async throws(APIFailure) -> Answer {
        let isIgnitionOn = try Self.ignition(call.value("acc_status"))
        let costCentre = Self.present(call.value("cost_centre"))
        return try await report(call) { reports throws(ReportError) in
            try reports.livePositions(costCentre: costCentre, isIgnitionOn: isIgnitionOn)
        }
    }

    private static func ignition(_ text: String?) throws(APIFailure) -> Bool? {
        switch text?.lowercased() {
        case nil, "": return nil
        case "on", "1": return true
        case "off", "0": return false
        default: throw APIFailure(.badRequest, "acc_status must be on, off, 1 or 0")
        }
    }

    func vehicleTrack(_ call: Call) async throws(APIFailure) -> Answer {
        guard let vehicle = Self.present(call.value("vehicle_number")) else {
            throw APIFailure(.badRequest, "vehicle_number is missing")
        }
        let text = Self.present(call.value("hours"))
        guard let hours = text == nil ? ReportLimits.hoursDefault : text.flatMap({ Int($0) }) else {
            throw APIFailure(.badRequest, "hours must be a whole number")
        }
        return try await report(call) { reports throws(ReportError) in
            try reports.track(vehicleNumber: vehicle, hours: hours)
        }
    }

    func fleetDashboard(_ call: Call) async throws(APIFailure) -> Answer {
        let query = try DashboardQuery(call, limits: limits)
        return try await report(call) { reports throws(ReportError) in try reports.dashboard(query) }
    }

    func tripPath(_ call: Call) async throws(APIFailure) -> Answer {
        guard let trip = call.value("trip_id").flatMap({ Int64($0) }) else {
            throw APIFailure(.badRequest, "trip_id must be the number of a trip")
        }
        return try await report(call) { reports throws(ReportError) in
            let answer = try reports.tripPath(trip)
            return answer.isFound ? answer : .notFound
        }
    }

    func ingestHealth(_ call: Call) async throws(APIFailure) -> Answer {
        try await report(call) { reports throws(ReportError) in try reports.ingestHealth() }
    }

    private static func present(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

    /// Has a report made, and compressed, on a thread that may block.
    private func report(
        _ call: Call, _ body: @escaping @Sendable (any FleetReports) throws(ReportError) -> ReportAnswer
    ) async throws(APIFailure) -> Answer {
        let (reports, bytesMin, acceptsGzip) = (fleetReports, fleet.gzipBytesMin, call.acceptsGzip)
        let bytesMax = limits.answerBytesMax
        guard !call.query.contains(where: { $0.value.utf8.contains(0) }) else {
            throw APIFailure(.badRequest, "the query has a NUL character in it")
        }
        return try await reportPool.run { () throws(APIFailure) in
            let answer: ReportAnswer
            do throws(ReportError) { answer = try body(reports) } catch { throw APIFailure(error) }
            if answer.json.isEmpty { throw APIFailure(.notFound, "there is no such trip") }
            guard answer.json.count <= bytesMax else {
                throw APIFailure(.tooLarge, "the answer would be over \(bytesMax) bytes", hint: "ask for less time")
            }
            let status: HTTPResponse.Status =
                answer.isFound ? (answer.isHealthy ? .ok : .serviceUnavailable) : .notFound
            return Answer(fleet: answer.json, status: status, isGzipAccepted: acceptsGzip, gzipBytesMin: bytesMin)
        }
    }
}

extension DashboardQuery {
    /// Reads a body, or the query of a GET with the same names; empty texts and lists are no filter.
    init(_ call: Call, limits: APILimits) throws(APIFailure) {
        let isBody = !call.body.isEmpty
        var fields = isBody ? InputFields(try call.json()) : call.queryFields
        let vehicles = isBody ? Self.vehicles(&fields) : call.query.filter { $0.name == Self.vehiclesKey }.map(\.value)
        if !isBody { _ = fields.value(Self.vehiclesKey) }
        self.init(
            vehicleNumbers: vehicles.filter { !$0.allSatisfy { $0 == " " } }, driver: Self.filter(&fields, "driver"),
            costCentre: Self.filter(&fields, "cost_centre"), city: Self.filter(&fields, "city"),
            includesPath: fields.boolean("include_path") ?? false)
        let (start, end) = (Self.day(&fields, "start_date"), Self.day(&fields, "end_date"))
        if let first = start ?? end, let last = end ?? start {
            if last < first {
                fields.fail("end_date", "is before start_date")
            } else if last.days - first.days >= ReportLimits.daysMax {
                fields.fail("end_date", "makes more than \(ReportLimits.daysMax) days")
            } else {
                days = first...last
            }
        }
        let texts = vehicleNumbers + [driver, costCentre, city].compactMap { $0 }
        if texts.contains(where: { $0.utf8.contains(0) }) { fields.fail("a filter", "has a NUL character in it") }
        if vehicleNumbers.count > limits.itemsMax { fields.fail(Self.vehiclesKey, "has over \(limits.itemsMax) items") }
        fields.refuseUnknown("a query of the dashboard")
        try fields.check()
    }

    private static let vehiclesKey = "vehicle_numbers"

    /// A text, or an array of texts.
    private static func vehicles(_ fields: inout InputFields) -> [String] {
        guard let value = fields.value(vehiclesKey) else { return [] }
        let items = value.arrayValue ?? [value]
        let texts = items.compactMap(\.stringValue)
        if texts.count < items.count { fields.fail(vehiclesKey, "must be a text, or an array of texts") }
        return texts
    }

    private static func filter(_ fields: inout InputFields, _ key: String) -> String? {
        fields.string(key).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func day(_ fields: inout InputFields, _ key: String) -> ReportDay? {
        guard let text = filter(&fields, key) else { return nil }
        let day = ReportDay(text)
        if day == nil { fields.fail(key, "must be a day such as 2026-11-22") }
        return day
    }
}

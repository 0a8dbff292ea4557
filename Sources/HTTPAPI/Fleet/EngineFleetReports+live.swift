import PrimaryStore
import Publishing
import Telemetry

extension EngineFleetReports {
    func livePositions(costCentre: String?, isIgnitionOn: Bool?) throws(ReportError) -> ReportAnswer {
        let contents = catalog.present
        let vehicles = vehicleBook.vehicles(contents)
        let moment = now()
        let rows = try stored { () throws(StoreError) in try board.rows(of: contents.deviceIDs, at: moment) }
        let drivers = try drivers()
        var report = LiveReport(moment: moment, options: options)
        for vehicle in vehicles {
            guard let position = rows[vehicle.id], let contact = position.contact,
                costCentre.map({ $0 == vehicle.labels.costCentre }) ?? true,
                isIgnitionOn.map({ $0 == position.ignition?.value }) ?? true
            else { continue }
            report.add(
                LiveVehicle(
                    labels: vehicle.labels, driver: drivers.name(vehicle.id, at: moment), position: position,
                    contact: contact))
        }
        return ReportAnswer(json: report.json(costCentres: Set(vehicles.map(\.labels.costCentre))))
    }
}

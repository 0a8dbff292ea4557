import Ingest
import Telemetry

/// The devices that a request with messages selects, found by the idents that the messages name.
///
/// Where all are selected the catalog's own index answers, so that a request costs what its messages cost, however many
/// devices there are.
struct DeliveryDevices: Sendable {
    /// The one that messages without an ident belong to; nil where several are selected.
    let only: DeviceEntity?
    let isEmpty: Bool
    /// What the selector names and does not exist.
    let errors: [ErrorItem]
    /// By ident, where some are selected; nil: all of `contents` are.
    private var byIdent: [String: DeviceEntity]?
    private var contents: EntityCatalog.Contents?

    init(_ selector: ItemSelector, of contents: EntityCatalog.Contents) {
        self.contents = contents
        if case .all = selector {
            only = contents.devices.count == 1 ? contents.devices.first { _ in true }?.value : nil
            isEmpty = contents.devices.isEmpty
            errors = []
            byIdent = nil
        } else {
            let selection = contents.devices(selector)
            only = selection.items.count == 1 ? selection.items.first : nil
            isEmpty = selection.items.isEmpty
            errors = selection.errors
            byIdent = Dictionary(selection.items.map { ($0.ident, $0) }) { first, _ in first }
        }
    }

    /// The device of messages that name an ident, or none.
    func device(_ ident: String?) -> DeviceEntity? {
        guard let ident else { return only }
        return byIdent.map { $0[ident] } ?? contents?.device(ident: ident)
    }

    /// Keeps those alone that a body names, so that a catalog that changes meanwhile need not be copied.
    mutating func narrow(to decoded: DecodedMessages) {
        let idents = (decoded.byIdent + decoded.future).map(\.ident) + decoded.impossible.map(\.ident)
        var named: [String: DeviceEntity] = [:]
        for ident in idents { if let ident { named[ident] = device(ident) } }
        byIdent = named
        contents = nil
    }
}

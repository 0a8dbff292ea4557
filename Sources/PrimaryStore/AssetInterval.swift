import Telemetry

/// For how long a device stood for an asset: from `begin` on, and before `end`.
package struct AssetInterval: Sendable, Hashable {
    /// An asset has no more intervals than this.
    package static let countMax = 20_000
    /// More bytes of `json` than this are refused.
    package static let jsonBytesMax = 8192

    package var asset: Int64
    package var begin: Timestamp
    /// Nil if it still lasts.
    package var end: Timestamp?
    /// 0 in an overlay: no device, so that only what was there goes. None of those kept has it.
    package var device: DeviceID
    /// What its maker has to say about it, as JSON text; the store does not look inside.
    package var json: String
    /// When it was made.
    package var timestamp: Timestamp

    package init(
        asset: Int64, begin: Timestamp, end: Timestamp?, device: DeviceID, json: String, timestamp: Timestamp
    ) {
        self.asset = asset
        self.begin = begin
        self.end = end
        self.device = device
        self.json = json
        self.timestamp = timestamp
    }
}

extension DeviceID {
    /// An asset's stream of messages shares the numbers of devices: asset N is device `assetIDBase` + N.
    package static let assetIDBase: Int64 = 1 << 40

    /// The stream of an asset.
    package init(asset: Int64) { self.init(Self.assetIDBase + asset) }

    /// The asset whose stream it is; nil for a device.
    package var assetID: Int64? { rawValue > Self.assetIDBase ? rawValue - Self.assetIDBase : nil }
}

import PrimaryStore
import Telemetry

extension MessageExtraction {
    /// Reads the messages of a store, whose table of parameters this is.
    package init(parameters: ParameterTable) {
        let reader = MessageRowReader(parameters: parameters)
        self.init(
            entry: { (entry) throws(StoreError) in try reader.rows(of: entry) },
            chunk: { (chunk) throws(StoreError) in try reader.rows(of: chunk.chunk, device: chunk.device) })
    }
}

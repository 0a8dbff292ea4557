import SQLiteClient

extension StoreError {
    /// Any error of the store's inside as the one that callers see.
    init(wrapping error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as SQLiteError: self.init(error)
        default: self = .database("\(error)")
        }
    }

    private init(_ error: SQLiteError) {
        if error.isDiskFull || error.extendedCode == Self.noRoomForSharedMemory {
            self = .diskFull
        } else if error.isInputOutput {
            self = .failed(error.description)
        } else if error.isCorrupt {
            self = .corrupt(error.description)
        } else {
            self = .database(error.description)
        }
    }

    /// SQLITE_IOERR_SHMSIZE: the index of the write-ahead log could not grow. Nothing was lost, and there may be room
    /// later.
    private static let noRoomForSharedMemory: Int32 = 10 | 19 << 8
}

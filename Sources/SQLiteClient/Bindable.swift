/// A value that can stand for a `?` of a statement.
package protocol Bindable {
    /// Gives the `?` at a position, counted from 1, this value.
    func bind(to statement: Statement, at position: Int32) throws(SQLiteError)
}

extension Int64: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        try statement.bind(position, self)
    }
}

extension Int: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        try statement.bind(position, Int64(self))
    }
}

extension Bool: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        try statement.bind(position, Int64(self ? 1 : 0))
    }
}

extension Double: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        try statement.bind(position, self)
    }
}

extension String: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        try statement.bind(position, self)
    }
}

extension [UInt8]: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        try statement.bind(position, self)
    }
}

extension Optional: Bindable where Wrapped: Bindable {
    package func bind(to statement: Statement, at position: Int32) throws(SQLiteError) {
        if let self { try self.bind(to: statement, at: position) } else { try statement.bindNull(position) }
    }
}

import CCrypto
import Telemetry

/// Random numbers for secrets and identities, from libcrypto.
enum RandomBytes {
    static func bytes(_ count: Int) throws(StoreError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw .database("libcrypto gives no random bytes") }
        return bytes
    }

    static func integer() throws(StoreError) -> UInt64 {
        try bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Letters and digits, each as likely as the other.
    static func text(_ count: Int) throws(StoreError) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        var result: [UInt8] = []
        while result.count < count {
            // Bytes of the last, incomplete round of the alphabet would favour its first letters.
            let usable = try bytes(count).filter { $0 < 248 }
            result.append(contentsOf: usable.prefix(count - result.count).map { alphabet[Int($0) % alphabet.count] })
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func sha256(_ text: String) throws(StoreError) -> [UInt8] {
        let bytes = Array(text.utf8)
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil) == 1, count == 32 else {
            throw .database("libcrypto gives no SHA-256")
        }
        return digest
    }
}

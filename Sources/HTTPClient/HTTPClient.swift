import CCurl
import Shims

/// An answer of a server.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var body: [UInt8]
}

/// A request that got no answer.
package struct HTTPFailure: Error, Sendable, CustomStringConvertible {
    package var url: String
    package var reason: String
    package var description: String { "\(url): \(reason)" }
}

/// Speaks HTTP over libcurl: one connection, kept alive, one request at a time.
///
/// It blocks, so it belongs to commands and to threads of their own, not to the shared pool. It follows no redirects.
package final class HTTPClient {
    /// Seconds until a connection must stand, and until an answer must be complete.
    package struct Limits: Sendable {
        package var connectSeconds = 10
        package var totalSeconds = 120
        package var answerBytesMax = 64 << 20

        package init() {}
    }

    private let handle: UnsafeMutableRawPointer
    private let limits: Limits

    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    package init(limits: Limits = Limits()) throws(HTTPFailure) {
        guard Self.isReady, let handle = curl_easy_init() else {
            throw HTTPFailure(url: "", reason: "libcurl cannot be started")
        }
        self.handle = handle
        self.limits = limits
    }

    deinit { curl_easy_cleanup(handle) }

    /// Sends a request and waits for the whole answer.
    package func send(
        _ method: String, _ url: String, headers: [String] = [], body: [UInt8]? = nil
    ) throws(HTTPFailure) -> HTTPAnswer {
        curl_easy_reset(handle)
        var list: UnsafeMutablePointer<curl_slist>?
        for header in headers { list = curl_slist_append(list, header) }
        defer { curl_slist_free_all(list) }
        let sink = Sink(bytesMax: limits.answerBytesMax)
        let code = (body ?? []).withUnsafeBytes { bytes in
            prepare(method, url, list, body == nil ? nil : bytes, sink)
            // The sink must outlive the transfer that writes to it.
            return withExtendedLifetime(sink) { curl_easy_perform(handle) }
        }
        guard code == CURLE_OK else {
            throw HTTPFailure(
                url: url, reason: sink.isFull ? "the answer is too large" : String(cString: curl_easy_strerror(code)))
        }
        var status = 0
        _ = shim_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
        return HTTPAnswer(status: status, body: sink.bytes)
    }

    private func prepare(
        _ method: String, _ url: String, _ headers: UnsafeMutablePointer<curl_slist>?, _ body: UnsafeRawBufferPointer?,
        _ sink: Sink
    ) {
        _ = shim_curl_set_string(handle, CURLOPT_URL, url)
        _ = shim_curl_set_string(handle, CURLOPT_CUSTOMREQUEST, method)
        _ = shim_curl_set_string(handle, CURLOPT_ACCEPT_ENCODING, "")
        _ = shim_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = shim_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT, limits.connectSeconds)
        _ = shim_curl_set_long(handle, CURLOPT_TIMEOUT, limits.totalSeconds)
        _ = shim_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
        if let body {
            _ = shim_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, body.count)
            _ = shim_curl_set_pointer(handle, CURLOPT_POSTFIELDS, body.baseAddress)
        }
        _ = shim_curl_set_write(
            handle,
            { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                return Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().take(bytes, size * count)
            }, Unmanaged.passUnretained(sink).toOpaque())
    }

    /// Where an answer's body goes.
    private final class Sink {
        var bytes: [UInt8] = []
        var isFull = false
        private let bytesMax: Int

        init(bytesMax: Int) { self.bytesMax = bytesMax }

        func take(_ start: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
            guard bytes.count + count <= bytesMax else {
                isFull = true
                return 0
            }
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
            return count
        }
    }
}

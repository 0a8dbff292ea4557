import Glibc

/// Deletes a file if it is there.
func removeFile(_ path: String) { _ = unlink(path) }

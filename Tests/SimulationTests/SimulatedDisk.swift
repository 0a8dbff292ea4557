import FaultDisk

/// The disk of one machine, with a copy of it that somebody may put back.
final class SimulatedDisk {
    let disk = FaultDisk()
    private var copy: FaultDiskSnapshot?

    /// The folder of everything on it.
    var folder: String { String(disk.path("x").dropLast(2)) }

    /// Everything on it is gone.
    func lose() {
        for file in disk.files { disk.delete(file: file.name) }
    }

    func keepCopy() { copy = disk.snapshot() }

    var hasCopy: Bool { copy != nil }

    /// Puts back what was copied last.
    func restoreCopy() {
        if let copy { disk.restore(copy) }
    }

    /// Flips a bit of some file; false if there is none.
    func flipBit(file: Int, offset: Int, bit: Int) -> Bool {
        let files = disk.files.filter { $0.byteCount > 0 && !$0.name.hasSuffix("-shm") }
        guard !files.isEmpty else { return false }
        let chosen = files[file % files.count]
        return disk.flipBit(file: chosen.name, offset: offset % chosen.byteCount, bit: bit)
    }
}

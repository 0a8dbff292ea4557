import Fleet
import Glibc

/// Writes a made-up fleet as raw columns, so that other programs calculate over the very same messages.
@main
struct FleetFiles {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().map { $0 }
        guard arguments.count == 3, let devices = Int(arguments[0]), let days = Int(arguments[1]) else {
            print("usage: fleet DEVICES DAYS FOLDER")
            exit(2)
        }
        do {
            try FleetColumns(devices: devices, days: days).write(folder: arguments[2])
        } catch {
            print(error)
            exit(1)
        }
    }
}

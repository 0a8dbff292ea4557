import Hummingbird
import ArgumentParser
@main struct Odograph: AsyncParsableCommand { func run() async throws { let r = Router(); _ = r } }

import Telemetry

extension ProgramMemory {
    /// Makes a variable's value after a message the one that `#x` finds at the next, where the program computes it.
    public mutating func setPrevious(_ variable: String, to value: Value?, of program: Program) {
        for (cell, slot) in program.previousSlots.enumerated()
        where program.slotNames[slot] == "\(Compiler.variableMark)\(variable)" {
            previous[cell] = value
        }
    }
}

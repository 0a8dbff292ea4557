import HTTPTypes

extension Route {
    /// Whether what is stored is what the messages give.
    static let verify: [Route] = [
        Route(
            .post, "/gw/calcs/{selector}/devices/{devices}/verify",
            "Recalculate assignments from their messages and tell every difference to what is stored; nothing changes",
            result: "Fields", handler: API.verifyAssignments)
    ]
}

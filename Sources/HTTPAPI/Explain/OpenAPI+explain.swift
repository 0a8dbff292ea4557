import Evaluation

extension OpenAPI {
    /// An interval, a candidate, or what hides messages.
    static var explanation: Document {
        let whichMessages: Document = [
            "type": "object",
            "properties": [
                "count": whole, "on": whole, "off_absorbed": whole, "unknown": whole, "unseen": whole,
                "absorbed": ["type": "array", "items": free], "hidden": hidden,
            ],
        ]
        let candidate: Document = [
            "type": "object",
            "properties": [
                "begin": seconds, "end": seconds, "duration": seconds, "is_final": flag,
                "reasons": ["type": "array", "items": cause], "began": border, "ended": border,
            ],
        ]
        return [
            "type": "object",
            "properties": [
                "calc_id": whole, "device_id": whole, "interval": OpenAPI.reference("Interval"), "revision": whole,
                "is_stored": flag, "is_current": flag, "calculated": free, "text": text, "began": border,
                "ended": border, "messages": whichMessages, "refused": candidate, "hidden": hidden,
            ],
        ]
    }

    private static var border: Document {
        [
            "type": "object",
            "properties": [
                "timestamp": seconds, "code": code, "text": text, "causes": ["type": "array", "items": cause],
                "others": ["type": "array", "items": cause],
                "merge": [
                    "type": "object", "properties": ["code": text, "text": text, "timestamp": seconds],
                    "additionalProperties": true,
                ],
            ],
        ]
    }

    private static var cause: Document {
        [
            "type": "object",
            "properties": [
                "code": code, "text": text,
                "selector": ["type": "object", "properties": ["index": whole, "name": text, "type": text]],
                "seconds": ["type": "number"], "limit": ["type": "number"], "message": traced, "fields": traced,
            ], "additionalProperties": true,
        ]
    }

    private static var code: Document {
        ["type": "string", "enum": Document(ExplainedCause.Code.allCases.map { Document($0.rawValue) })]
    }

    private static var traced: Document {
        let value: Document = ["text": text, "column": whole, "value": [:], "error": text]
        return [
            "type": "object",
            "properties": [
                "timestamp": seconds, "parameters": free, "expression": text,
                "values": ["type": "array", "items": ["type": "object", "properties": value]],
            ],
        ]
    }

    private static var hidden: Document {
        let message: Document = ["code": text, "seconds_late": ["type": "number"], "message": traced]
        return [
            "type": "object",
            "properties": [
                "count": whole, "validate_message": whole, "update_period": whole,
                "first": ["type": "array", "items": ["type": "object", "properties": message]],
            ],
        ]
    }
}

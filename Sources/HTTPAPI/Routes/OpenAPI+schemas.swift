import PrimaryStore
import Telemetry

extension OpenAPI {
    /// The objects of the API by the names that the routes use.
    static var schemas: Document {
        Document(json: .object((entitySchemas.json.members ?? []) + (fleetSchemas.json.members ?? [])))
    }

    private static var entitySchemas: Document {
        [
            "Device": device, "Calculator": calculator, "Assignment": assignment, "Enabling": enabling,
            "Message": message, "Acceptance": acceptance, "Telemetry": telemetry, "Interval": interval,
            "Range": range, "Job": job, "Change": change, "Function": function, "Token": token,
            "TokenRequest": tokenRequest, "CreatedToken": createdToken, "Reference": reference, "Error": error,
            "Failure": failure, "Calculation": calculation, "DryRun": dryRun, "DryRunReport": dryRunReport,
            "ExpressionTest": expressionTest, "ExpressionResult": expressionResult, "Geofence": geofence,
            "Group": group, "Asset": asset, "AssetInterval": assetInterval, "Link": link, "Hit": hit,
            "Revision": revision, "Fields": free, "Explanation": explanation, "ApartMessage": apartMessage,
            "ApartTimestamp": apartTimestamp, "ApartAdmission": apartOutcome("admitted"),
            "ApartDeletion": apartOutcome("deleted"), "JobAction": jobAction, "Replays": replays, "Replay": replay,
            "ReplayControl": replayControl, "Health": health, "Reporting": reporting,
        ]
    }

    static let text: Document = ["type": "string"]
    static let flag: Document = ["type": "boolean"]
    static let whole: Document = ["type": "integer"]
    static let seconds: Document = ["type": "number", "description": "seconds since 1970, up to six decimals"]
    private static let maybeSeconds: Document = ["type": ["number", "null"]]
    static let free: Document = ["type": "object", "additionalProperties": true]

    static func readOnly(_ type: String) -> Document { ["type": Document(type), "readOnly": true] }

    private static var device: Document {
        [
            "type": "object", "required": ["configuration"],
            "properties": [
                "id": readOnly("integer"), "name": text, "enabled": flag, "device_type_id": whole,
                "protocol_id": whole,
                "configuration": ["type": "object", "required": ["ident"], "properties": ["ident": text]],
                "messages_ttl": whole, "messages_rotate": whole, "media_ttl": whole, "media_rotate": whole,
                "metadata": free, "cid": readOnly("integer"), "connected": readOnly("boolean"),
                "blocked": readOnly("boolean"), "last_active": ["type": ["number", "null"], "readOnly": true],
                "messages_size": readOnly("integer"), "sync_state": readOnly("string"),
                "horizon": ["type": ["number", "null"], "readOnly": true],
            ],
        ]
    }

    private static var calculator: Document {
        [
            "type": "object", "required": ["name", "selectors"],
            "properties": [
                "id": readOnly("integer"), "name": text,
                "selectors": ["type": "array", "items": free, "minItems": 1, "maxItems": 3],
                "counters": ["type": "array", "items": free, "maxItems": 256], "messages_source": free,
                "update_interval": seconds, "update_delay": seconds, "update_period": seconds, "update_onchange": flag,
                "intervals_ttl": seconds, "intervals_rotate": whole, "validate_message": text,
                "validate_interval": text, "timezone": text, "mileage_outlier_speed": ["type": "number"],
                "mileage_formula": ["type": "string", "enum": ["haversine", "geodesic"]], "metadata": free,
                "cid": readOnly("integer"),
            ],
        ]
    }

    private static var assignment: Document {
        [
            "type": "object",
            "properties": [
                "calc_id": whole, "device_id": whole, "asset_id": whole, "name": text, "enabled": flag,
                "auto_created": flag,
                "synced": flag, "state": ["type": "string", "enum": ["unsynced", "synchronizing", "synced"]],
                "pending_since": maybeSeconds, "failure": text, "held_job": whole, "horizon": seconds,
            ],
        ]
    }

    private static let enabling: Document = ["type": "object", "properties": ["enabled": flag]]

    private static let message: Document = [
        "type": "object", "required": ["timestamp"], "properties": ["timestamp": seconds, "ident": text],
        "additionalProperties": true,
    ]

    private static let acceptance: Document = [
        "type": "object", "properties": ["accepted": whole, "apart": whole, "device_id": whole],
    ]

    private static let telemetry: Document = [
        "type": "object",
        "properties": [
            "id": whole,
            "telemetry": [
                "type": "object",
                "additionalProperties": ["type": "object", "properties": ["ts": seconds, "value": [:]]],
            ],
        ],
    ]

    private static let interval: Document = [
        "type": "object",
        "properties": [
            "calc_id": whole, "device_id": whole, "asset_id": whole, "revision": whole, "begin": seconds,
            "end": seconds, "duration": seconds, "id": whole, "timestamp": seconds,
        ], "additionalProperties": true,
    ]

    private static let range: Document = ["type": "object", "properties": ["from": seconds, "to": seconds]]

    private static let job: Document = [
        "type": "object",
        "properties": [
            "id": whole, "calc_id": whole, "device_id": whole, "asset_id": whole, "cause": text,
            "outcome": ["type": "string", "enum": Document(JobRecord.Outcome.allCases.map { Document($0.rawValue) })],
            "from": maybeSeconds, "to": maybeSeconds, "run_from": maybeSeconds, "run_to": maybeSeconds,
            "messages": whole, "created": whole,
            "updated": whole, "deleted": whole,
            "would": ["type": "object", "properties": ["created": whole, "updated": whole, "deleted": whole]],
            "started": seconds, "milliseconds": ["type": "number"],
        ],
    ]

    private static let change: Document = [
        "type": "object",
        "properties": [
            "slot": whole, "rev": whole,
            "operation": [
                "type": "string", "enum": ["deleted", "created", "updated", "activated", "deactivated"],
            ], "calc_id": whole, "device_id": whole, "id": whole, "begin": seconds, "end": seconds,
            "timestamp": seconds, "interval": OpenAPI.reference("Interval"),
        ],
    ]

    private static let function: Document = [
        "type": "object",
        "properties": [
            "name": text, "usage": text, "description": text,
            "arguments": ["type": "object", "properties": ["min": whole, "max": whole]],
            "examples": [
                "type": "array",
                "items": ["type": "object", "properties": ["expression": text, "input": [:], "result": [:]]],
            ],
        ],
    ]

    private static var calculation: Document {
        var properties = calculator["properties"] ?? [:]
        for key in ["id", "cid"] { properties[key] = nil }
        for key in ["from", "to"] { properties[key] = seconds }
        properties["calc_id"] = whole
        return ["type": "object", "properties": properties]
    }

    private static var dryRun: Document {
        var properties = calculator["properties"] ?? [:]
        properties["devices"] = text
        properties["samples"] = whole
        return ["type": "object", "properties": properties]
    }

    private static var dryRunReport: Document {
        let sum: Document = ["type": ["number", "null"]]
        let total: Document = ["before": sum, "after": sum, "difference": sum]
        let named: Document = ["name": text, "before": sum, "after": sum, "difference": sum]
        let sample: Document = ["device_id": whole, "before": free, "after": free]
        let samples: Document = ["type": "array", "items": ["type": "object", "properties": sample]]
        return [
            "type": "object",
            "properties": [
                "calc_id": whole, "devices": whole,
                "intervals": ["type": "object", "properties": ["before": whole, "after": whole]],
                "created": whole, "updated": whole, "deleted": whole, "unchanged": whole,
                "duration": ["type": "object", "properties": total],
                "counters": ["type": "array", "items": ["type": "object", "properties": named]],
                "samples": [
                    "type": "object", "properties": ["created": samples, "updated": samples, "deleted": samples],
                ], "is_partial": flag,
            ],
        ]
    }

    private static let expressionTest: Document = [
        "type": "object", "required": ["expression"],
        "properties": [
            "expression": text, "input": ["oneOf": [free, ["type": "array", "items": free]]], "timezone": text,
            "metadata": free,
        ],
    ]

    private static let expressionResult: Document = [
        "type": "object",
        "properties": [
            "code": ["type": "integer", "enum": [0, 1]], "index": whole, "result": [:],
            "error": ["type": "object", "properties": ["column": whole, "reason": text]],
        ],
    ]

    private static let token: Document = [
        "type": "object",
        "properties": [
            "id": whole, "name": text, "kind": text, "prefix": text, "created": seconds, "expires": maybeSeconds,
            "last_used": maybeSeconds, "revoked": flag,
        ],
    ]

    private static let tokenRequest: Document = [
        "type": "object", "required": ["name"],
        "properties": [
            "name": text, "kind": ["type": "string", "enum": ["master", "standard"]], "ttl": whole, "expires": seconds,
        ],
    ]

    private static let createdToken: Document = [
        "type": "object",
        "properties": ["id": whole, "name": text, "kind": text, "key": text, "expires": maybeSeconds],
    ]

    private static let reference: Document = [
        "type": "object",
        "properties": [
            "id": whole, "calc_id": whole, "device_id": whole, "asset_id": whole, "group_id": whole,
            "geofence_id": whole,
        ],
    ]

    private static var error: Document {
        let codes = ErrorCode.allCases.map { "\($0.rawValue) \($0.meaning)" }.joined(separator: ", ")
        return [
            "type": "object", "required": ["code", "reason"],
            "properties": [
                "code": ["type": "integer", "description": Document(codes)], "reason": text, "hint": text, "path": text,
                "line": whole, "column": whole, "id": whole, "index": whole, "parameter": text, "ident": text,
                "count": whole,
            ],
        ]
    }

    private static var failure: Document {
        [
            "type": "object", "required": ["errors"],
            "properties": [
                "errors": ["type": "array", "items": OpenAPI.reference("Error")],
                "schema_hint": [
                    "type": "object",
                    "properties": ["fields": ["type": "array", "items": text], "suggestion": text],
                ],
            ],
        ]
    }
}

extension ErrorCode {
    fileprivate var meaning: String {
        switch self {
        case .failure: "the server failed"
        case .badRequest: "bad request"
        case .unauthorized: "no valid token"
        case .notFound: "not found"
        case .forbidden: "not with this token"
        case .conflict: "in conflict with what is there"
        case .tooLarge: "over a limit"
        case .notImplemented: "not in this version"
        case .busy: "try again later"
        case .overloaded: "more comes than can be taken: nothing was stored, send it again after Retry-After"
        case .diskFull: "the disk is full"
        case .damaged: "stored bytes are damaged"
        case .methodNotAllowed: "method not possible here"
        }
    }
}

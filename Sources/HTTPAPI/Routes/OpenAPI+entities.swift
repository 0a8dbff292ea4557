import Telemetry

extension OpenAPI {
    private static let point: Document = [
        "type": "object", "required": ["lat", "lon"],
        "properties": ["lat": ["type": "number"], "lon": ["type": "number"]],
    ]

    private static var geometry: Document {
        let path: Document = ["type": "array", "items": point]
        let length: Document = ["type": "number", "description": "kilometres"]
        func shape(_ type: Document, _ more: Document) -> Document {
            var properties = more
            properties["type"] = ["const": type]
            return ["type": "object", "required": Document(properties.keys), "properties": properties]
        }
        return [
            "oneOf": [
                shape("circle", ["center": point, "radius": length]), shape("polygon", ["path": path]),
                shape("corridor", ["path": path, "width": length]),
            ]
        ]
    }

    private static let priority: Document = ["type": "number", "minimum": 0, "maximum": 100]

    static var geofence: Document {
        [
            "type": "object", "required": ["name", "geometry"],
            "properties": [
                "id": readOnly("integer"), "name": text, "enabled": flag, "priority": priority, "geometry": geometry,
                "metadata": free, "cid": readOnly("integer"),
            ],
        ]
    }

    static var group: Document {
        [
            "type": "object", "required": ["name"],
            "properties": ["id": readOnly("integer"), "name": text, "metadata": free, "cid": readOnly("integer")],
        ]
    }

    static var asset: Document {
        [
            "type": "object", "required": ["name"],
            "properties": [
                "id": readOnly("integer"), "name": text, "enabled": flag, "priority": priority, "intervals_ttl": whole,
                "metadata": free, "cid": readOnly("integer"),
            ],
        ]
    }

    static var assetInterval: Document {
        [
            "type": "object", "required": ["begin"],
            "properties": [
                "asset_id": readOnly("integer"), "begin": seconds,
                "end": ["type": "number", "description": "seconds since 1970; 0 while it lasts"],
                "device_id": ["type": "integer", "description": "0 for none"], "meta": free,
                "timestamp": readOnly("number"),
            ],
        ]
    }

    static let link: Document = [
        "type": "object",
        "properties": [
            "calc_id": whole, "group_id": whole, "device_id": whole, "geofence_id": whole, "asset_id": whole,
            "name": text, "auto_created": flag,
        ],
    ]

    static let hit: Document = [
        "type": "object", "properties": ["id": whole, "name": text, "priority": ["type": "number"]],
    ]

    static let revision: Document = [
        "type": "object",
        "properties": ["calc_id": whole, "revision": whole, "name": text, "definition": reference("Calculator")],
    ]
}

extension Document {
    /// The keys of an object as texts.
    fileprivate var keys: [Document] { (json.members ?? []).map { Document($0.key) } }
}

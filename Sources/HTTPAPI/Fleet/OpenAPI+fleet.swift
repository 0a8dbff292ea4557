extension OpenAPI {
    /// The objects of the dashboard.
    static var fleetSchemas: Document {
        [
            "FleetQuery": fleetQuery, "FleetDashboard": fleetDashboard, "LivePositions": livePositions,
            "VehicleTrack": vehicleTrack, "TripPath": tripPath, "IngestHealth": ingestHealth,
            "FleetFailure": fleetFailure,
        ]
    }

    private static let maybeText: Document = ["type": ["string", "null"]]
    private static let maybeNumber: Document = ["type": ["number", "null"]]
    private static let maybeWhole: Document = ["type": ["integer", "null"]]
    private static let moment: Document = ["type": "string", "format": "date-time"]
    private static let maybeMoment: Document = ["type": ["string", "null"], "format": "date-time"]
    private static let day: Document = ["type": "string", "format": "date"]

    private static func object(_ properties: Document) -> Document { ["type": "object", "properties": properties] }

    private static func list(_ item: Document) -> Document { ["type": "array", "items": item] }

    private static func features(_ properties: Document, id: Document) -> Document {
        object([
            "type": ["const": "FeatureCollection"],
            "features": list(
                object([
                    "type": ["const": "Feature"], "id": id, "geometry": ["type": ["object", "null"]],
                    "properties": object(properties),
                ])),
        ])
    }

    private static var fleetQuery: Document {
        object([
            "vehicle_numbers": ["oneOf": [text, list(text)]], "driver": maybeText, "cost_centre": maybeText,
            "city": maybeText, "start_date": day, "end_date": day, "include_path": flag,
        ])
    }

    private static var livePositions: Document {
        object([
            "summary": object([
                "total": whole, "moving": whole, "idle": whole, "parked": whole, "offline": whole, "nofix": whole,
                "acc_on": whole, "newest_fix": maybeMoment, "generated_at": moment, "cost_centres": list(text),
            ]),
            "geojson": features(
                [
                    "imei": text, "vehicle_number": text, "driver_name": text, "cost_centre": text,
                    "assigned_city": text, "icon": maybeText, "speed_kmh": maybeNumber, "direction": maybeNumber,
                    "acc_status": maybeWhole, "online": whole,
                    "state": ["type": "string", "enum": ["moving", "idle", "parked", "offline", "nofix"]],
                    "pos_type": maybeText, "satellites": maybeWhole, "mileage_km": maybeNumber, "address": maybeText,
                    "gps_time": maybeMoment, "hb_time": maybeMoment, "fix_age_s": maybeWhole,
                ], id: text),
        ])
    }

    private static var vehicleTrack: Document {
        object([
            "found": flag,
            "vehicle": [
                "type": ["object", "null"],
                "properties": [
                    "imei": text, "vehicle_number": text, "driver_name": text, "cost_centre": text,
                    "assigned_city": text,
                ],
            ], "hours": whole,
            "summary": object([
                "points": whole, "first_fix": maybeMoment, "last_fix": maybeMoment, "distance_km": ["type": "number"],
                "max_speed_kmh": maybeNumber, "max_gap_s": maybeWhole,
            ]), "geojson": features(["kind": text], id: maybeText),
            "points": list(
                object([
                    "t": moment, "lat": ["type": "number"], "lng": ["type": "number"], "speed_kmh": maybeNumber,
                    "direction": maybeNumber, "acc": maybeWhole, "gap_s": maybeWhole,
                ])),
        ])
    }

    private static var fleetDashboard: Document {
        let counted: Document = ["trips": whole, "vehicles": whole]
        func filter(_ name: String) -> Document {
            var properties = counted
            properties[name] = text
            return list(object(properties))
        }
        return object([
            "range": object(["start": day, "end": day, "tz": text]),
            "summary": object([
                "trips": whole, "vehicles": whole, "drivers": whole, "distance_km": ["type": "number"],
                "drive_s": whole, "idle_s": whole, "max_speed_kmh": maybeNumber,
            ]), "geojson": features(tripProperties, id: whole),
            "filters": object([
                "vehicles": list(
                    object([
                        "vehicle_number": text, "cost_centre": text, "assigned_city": text, "trips": whole,
                        "last_trip_date": day,
                    ])), "drivers": filter("driver_name"), "cost_centres": filter("cost_centre"),
                "cities": filter("city"),
            ]),
        ])
    }

    private static var tripProperties: Document {
        [
            "trip_id": whole, "imei": text, "vehicle_number": text, "driver_name": text, "cost_centre": text,
            "assigned_city": text, "trip_date": day, "start_time": moment, "end_time": moment, "is_active": flag,
            "duration_s": whole, "idle_s": maybeWhole, "distance_km": maybeNumber, "avg_speed_kmh": maybeNumber,
            "max_speed_kmh": maybeNumber, "start_address": maybeText, "end_address": maybeText,
        ]
    }

    private static var tripPath: Document {
        object([
            "trip_id": whole, "points": whole, "geojson": features(["kind": text, "times": list(moment)], id: whole),
        ])
    }

    private static var ingestHealth: Document {
        object([
            "ok": flag,
            "jobs": list(
                object([
                    "job": text, "last_ok": maybeMoment, "ok_age_s": maybeWhole, "last_run": maybeMoment,
                    "runs_24h": whole, "failures_24h": whole, "rows_24h": whole, "p95_ms": maybeNumber,
                    "last_error": maybeText,
                ])),
        ])
    }

    private static var fleetFailure: Document {
        object(["error": object(["code": text, "message": text, "hint": text])])
    }
}

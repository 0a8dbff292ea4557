-- The 13 views that Grafana reads (spec/fleet.md §2.1). All have assigned_city but v_ingestion_health.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE OR REPLACE VIEW tracksolid.v_fleet_status AS
SELECT v.*, CASE state WHEN 'moving' THEN 3 WHEN 'idle' THEN 2 WHEN 'parked' THEN 1 ELSE 0 END AS state_code FROM reporting.v_live_positions v;

CREATE OR REPLACE VIEW tracksolid.v_active_dispatch_map AS
SELECT imei, vehicle_number, driver_name, cost_centre, assigned_city, lat AS latitude, lng AS longitude, speed_kmh, direction, state, acc_status, gps_time, fix_age_s
FROM reporting.v_live_positions WHERE state IN ('moving', 'idle', 'parked');

-- Idle since the last fix that moved, of the last day; with none, since the first fix there is of that day.
CREATE OR REPLACE VIEW tracksolid.v_currently_idle AS
SELECT l.imei, l.vehicle_number, l.driver_name, l.cost_centre, l.assigned_city, l.lat AS latitude, l.lng AS longitude, l.address, l.gps_time,
       s.since AS idle_since, floor(extract(epoch FROM now() - s.since))::bigint AS idle_s
FROM reporting.v_live_positions l CROSS JOIN reporting.v_settings z
CROSS JOIN LATERAL (SELECT COALESCE(
  (SELECT p.gps_time FROM tracksolid.position_history p WHERE p.imei = l.imei AND p.gps_time > now() - interval '24 hours' AND (p.speed_kmh >= z.moving_kmh OR p.acc_status = 0) ORDER BY p.gps_time DESC LIMIT 1),
  (SELECT min(p.gps_time) FROM tracksolid.position_history p WHERE p.imei = l.imei AND p.gps_time > now() - interval '24 hours'), l.gps_time) AS since) s
WHERE l.state = 'idle' AND now() - s.since >= z.idle_min_s;

CREATE OR REPLACE VIEW tracksolid.v_vehicles_not_moved_today AS
SELECT d.imei, COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), d.imei) AS vehicle_number, COALESCE(tracksolid.driver_at(d.imei, now()), 'Unassigned') AS driver_name,
       COALESCE(NULLIF(btrim(d.cost_centre), ''), 'Unassigned') AS cost_centre, COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city,
       lp.gps_time AS last_fix, lp.hb_time AS last_heartbeat, (SELECT max(t.end_time) FROM reporting.trips t WHERE t.imei = d.imei) AS last_trip_end
FROM tracksolid.devices d CROSS JOIN (SELECT today_start, moving_kmh FROM reporting.v_settings OFFSET 0) z LEFT JOIN tracksolid.live_positions lp USING (imei)
WHERE COALESCE(d.enabled_flag, 1) = 1 AND d.missing_since IS NULL
  AND NOT EXISTS (SELECT 1 FROM reporting.trips t WHERE t.imei = d.imei AND t.end_time >= z.today_start)
  AND NOT EXISTS (SELECT 1 FROM tracksolid.position_history p WHERE p.imei = d.imei AND p.gps_time >= z.today_start AND p.speed_kmh >= z.moving_kmh);

CREATE OR REPLACE VIEW tracksolid.v_fleet_today AS
WITH z AS MATERIALIZED (SELECT today, today_start FROM reporting.v_settings),
l AS (SELECT assigned_city, count(*) AS vehicles, count(*) FILTER (WHERE state = 'moving') AS moving, count(*) FILTER (WHERE state = 'idle') AS idle,
             count(*) FILTER (WHERE state = 'parked') AS parked, count(*) FILTER (WHERE state IN ('offline', 'nofix')) AS offline FROM reporting.v_live_positions GROUP BY 1),
t AS (SELECT v.assigned_city, count(*) AS trips, sum(v.distance_km) AS km FROM reporting.v_trips v WHERE v.trip_date = (SELECT today FROM z) GROUP BY 1),
a AS (SELECT COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city, count(*) AS alarms FROM tracksolid.alarms x LEFT JOIN tracksolid.devices d USING (imei) WHERE x.alarm_time >= (SELECT today_start FROM z) GROUP BY 1)
SELECT COALESCE(l.vehicles, 0) AS vehicles, COALESCE(l.moving, 0) AS moving, COALESCE(l.idle, 0) AS idle, COALESCE(l.parked, 0) AS parked, COALESCE(l.offline, 0) AS offline, assigned_city,
       COALESCE(t.trips, 0) AS trips_today, round(COALESCE(t.km, 0)::numeric, 1) AS km_today, COALESCE(a.alarms, 0) AS alarms_today
FROM l FULL JOIN t USING (assigned_city) FULL JOIN a USING (assigned_city);

CREATE OR REPLACE VIEW tracksolid.v_alarms_daily AS
SELECT a.day_start AS day, a.alarm_name AS alarm, min(a.alarm_type) AS alarm_type, a.severity, COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city,
       count(*) AS alarms, count(DISTINCT a.imei) AS vehicles
FROM tracksolid.alarms a LEFT JOIN tracksolid.devices d USING (imei) GROUP BY a.day_start, a.alarm_name, a.severity, COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned');

CREATE OR REPLACE VIEW tracksolid.v_fleet_km_daily AS
SELECT day_start AS day, assigned_city, cost_centre, count(*) AS trips, count(DISTINCT imei) AS vehicles, round(sum(distance_km)::numeric, 2) AS distance_km,
       sum(duration_s) AS drive_s, sum(COALESCE(idle_s, 0)) AS idle_s, max(max_speed_kmh) AS max_speed_kmh
FROM reporting.v_trips GROUP BY day_start, assigned_city, cost_centre;

CREATE OR REPLACE VIEW tracksolid.v_driver_aggregates_daily AS
SELECT day, driver_name, k.assigned_city, k.cost_centre, COALESCE(k.vehicles, 0) AS vehicles, COALESCE(k.trips, 0) AS trips, k.distance_km, k.drive_s, k.idle_s, k.max_speed_kmh,
       COALESCE(a.speeding, 0) AS speeding, COALESCE(a.harsh, 0) AS harsh, round((100 * (COALESCE(a.harsh, 0) + COALESCE(a.speeding, 0)) / NULLIF(k.distance_km, 0))::numeric, 2) AS events_per_100km
FROM (SELECT day_start AS day, driver_name, min(assigned_city) AS assigned_city, min(cost_centre) AS cost_centre, count(DISTINCT imei) AS vehicles, count(*) AS trips, round(sum(distance_km)::numeric, 2) AS distance_km,
             sum(duration_s) AS drive_s, sum(COALESCE(idle_s, 0)) AS idle_s, max(max_speed_kmh) AS max_speed_kmh FROM reporting.v_trips GROUP BY day_start, driver_name) k
LEFT JOIN (SELECT a.day_start AS day, a.driver_name, count(*) FILTER (WHERE t.category = 'speeding') AS speeding, count(*) FILTER (WHERE t.category = 'harsh') AS harsh
      FROM tracksolid.alarms a JOIN tracksolid.alarm_types t USING (alarm_type) WHERE t.category IS NOT NULL GROUP BY a.day_start, a.driver_name) a USING (day, driver_name);

CREATE OR REPLACE VIEW tracksolid.v_fleet_trace AS
SELECT p.gps_time AS time, p.imei, COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), p.imei) AS vehicle_number, COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city,
       p.lat AS latitude, p.lng AS longitude, p.speed_kmh, p.direction, p.acc_status, p.source
FROM tracksolid.position_history p LEFT JOIN tracksolid.devices d USING (imei) WHERE (p.flags & 5) = 0;

-- First and last sign of work a vehicle-day, read off the daily rollup; the driver of that day.
CREATE OR REPLACE VIEW tracksolid.v_driver_clock_daily AS
SELECT (m.bucket AT TIME ZONE z.tz)::date AS day, m.bucket AS day_start, COALESCE(tracksolid.driver_at(m.imei, COALESCE(m.first_moving, m.first_gps)), 'Unassigned') AS driver_name,
       m.imei, COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), m.imei) AS vehicle_number, COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city,
       COALESCE(NULLIF(btrim(d.cost_centre), ''), 'Unassigned') AS cost_centre, m.first_ignition, m.first_moving AS clock_in, m.last_moving AS clock_out, m.last_moving - m.first_moving AS span, m.points AS fixes
FROM tracksolid.v_mileage_daily_cagg m CROSS JOIN (SELECT reporting.setting('tz') AS tz OFFSET 0) z LEFT JOIN tracksolid.devices d USING (imei);
CREATE OR REPLACE VIEW tracksolid.v_driver_clock_today AS SELECT * FROM tracksolid.v_driver_clock_daily WHERE day_start = (SELECT today_start FROM reporting.v_settings);
CREATE OR REPLACE VIEW tracksolid.v_driver_clock_attendance AS
SELECT g.day, d.imei, COALESCE(tracksolid.driver_at(d.imei, COALESCE(m.first_moving, g.noon)), 'Unassigned') AS driver_name, COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), d.imei) AS vehicle_number,
       COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city, m.first_moving AS clock_in, m.last_moving AS clock_out, m.first_moving IS NOT NULL AS present, g.day_start
FROM (SELECT x::date AS day, x AT TIME ZONE z.tz AS day_start, (x + interval '12 hours') AT TIME ZONE z.tz AS noon FROM reporting.v_settings z, generate_series((z.today - 30)::timestamp, z.today::timestamp, interval '1 day') x OFFSET 0) g
CROSS JOIN tracksolid.devices d LEFT JOIN tracksolid.v_mileage_daily_cagg m ON m.imei = d.imei AND m.bucket = g.day_start WHERE d.missing_since IS NULL;

CREATE OR REPLACE VIEW tracksolid.v_ingestion_health AS
SELECT job, max(started_at) FILTER (WHERE ok) AS last_ok_start, max(COALESCE(finished_at, started_at)) FILTER (WHERE ok) AS last_ok, floor(extract(epoch FROM now() - max(COALESCE(finished_at, started_at)) FILTER (WHERE ok)))::bigint AS ok_age_s,
       max(COALESCE(finished_at, started_at)) AS last_run, COALESCE(sum(CASE WHEN minute IS NULL THEN 1 ELSE requests END) FILTER (WHERE started_at > now() - interval '24 hours'), 0) AS runs_24h,
       count(*) FILTER (WHERE NOT ok AND started_at > now() - interval '24 hours') AS failures_24h, COALESCE(sum(rows_written) FILTER (WHERE started_at > now() - interval '24 hours'), 0) AS rows_24h,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY CASE WHEN minute IS NULL THEN duration_ms ELSE duration_ms::double precision / GREATEST(requests, 1) END) FILTER (WHERE started_at > now() - interval '24 hours') AS p95_ms,
       (array_agg(message ORDER BY started_at DESC) FILTER (WHERE NOT ok))[1] AS last_error
FROM tracksolid.ingestion_log GROUP BY job;

-- Reporting views (spec/fleet.md §2.1 L3).
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE OR REPLACE VIEW reporting.devices AS
SELECT v.device_id, v.ident, v.name AS device_name, COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), v.ident) AS vehicle_number,
       COALESCE(d.vehicle_number_norm, reporting.normalize_plate(d.device_name), v.ident) AS vehicle_key,
       COALESCE(tracksolid.driver_at(v.ident, now()), 'Unassigned') AS driver_name, COALESCE(NULLIF(btrim(d.cost_centre), ''), 'Unassigned') AS cost_centre,
       COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city, v.json -> 'metadata' AS metadata
FROM odograph.devices v LEFT JOIN tracksolid.devices d ON d.imei = v.ident WHERE v.deleted_at IS NULL;
COMMENT ON VIEW reporting.devices IS 'Devices with the vehicle''s plate, driver now, cost centre and city: join it to the calculators'' tables by device_id.';

CREATE OR REPLACE VIEW reporting.v_filter_vehicles AS SELECT vehicle_number, min(vehicle_key) AS vehicle_key, min(cost_centre) AS cost_centre, min(assigned_city) AS assigned_city, count(*) AS trips, max(trip_date) AS last_trip_date FROM reporting.v_trips GROUP BY vehicle_number;
CREATE OR REPLACE VIEW reporting.v_filter_drivers AS SELECT driver_name, count(*) AS trips, count(DISTINCT vehicle_key) AS vehicles FROM reporting.v_trips GROUP BY driver_name;
CREATE OR REPLACE VIEW reporting.v_filter_cost_centres AS SELECT cost_centre, count(*) AS trips, count(DISTINCT vehicle_key) AS vehicles FROM reporting.v_trips GROUP BY cost_centre;
CREATE OR REPLACE VIEW reporting.v_filter_cities AS SELECT assigned_city, count(*) AS trips, count(DISTINCT vehicle_key) AS vehicles FROM reporting.v_trips GROUP BY assigned_city;

-- period and vehicle; a vehicle that had several drivers, or changed its cost centre's name, shows the first by name and how many.
CREATE OR REPLACE VIEW reporting.v_daily_summary AS
SELECT trip_date AS period, vehicle_number, vehicle_key, min(driver_name) AS driver_name, min(cost_centre) AS cost_centre, min(assigned_city) AS assigned_city,
       count(*) AS trips, round(sum(distance_km)::numeric, 2) AS distance_km, sum(duration_s) AS drive_s, sum(idle_s) AS idle_s,
       max(max_speed_kmh) AS max_speed_kmh, min(start_local) AS first_start, max(end_local) AS last_end, count(DISTINCT driver_name) AS drivers
FROM reporting.v_trips GROUP BY trip_date, vehicle_number, vehicle_key;
CREATE OR REPLACE VIEW reporting.v_weekly_summary AS
SELECT date_trunc('week', trip_date)::date AS period, vehicle_number, vehicle_key, min(driver_name) AS driver_name, min(cost_centre) AS cost_centre, min(assigned_city) AS assigned_city,
       count(*) AS trips, count(DISTINCT trip_date) AS days_active, round(sum(distance_km)::numeric, 2) AS distance_km, sum(duration_s) AS drive_s, sum(idle_s) AS idle_s, max(max_speed_kmh) AS max_speed_kmh
FROM reporting.v_trips GROUP BY 1, vehicle_number, vehicle_key;
CREATE OR REPLACE VIEW reporting.v_monthly_summary AS
SELECT date_trunc('month', trip_date)::date AS period, vehicle_number, vehicle_key, min(driver_name) AS driver_name, min(cost_centre) AS cost_centre, min(assigned_city) AS assigned_city,
       count(*) AS trips, count(DISTINCT trip_date) AS days_active, round(sum(distance_km)::numeric, 2) AS distance_km, sum(duration_s) AS drive_s, sum(idle_s) AS idle_s, max(max_speed_kmh) AS max_speed_kmh
FROM reporting.v_trips GROUP BY 1, vehicle_number, vehicle_key;
-- Straight from the trips, so that kilometres go to the cost centre of each trip and round once.
CREATE OR REPLACE VIEW reporting.v_daily_cost_centre AS SELECT trip_date AS period, cost_centre, count(DISTINCT vehicle_key) AS vehicles, count(*) AS trips, round(sum(distance_km)::numeric, 2) AS distance_km, sum(duration_s) AS drive_s, sum(idle_s) AS idle_s, max(max_speed_kmh) AS max_speed_kmh FROM reporting.v_trips GROUP BY trip_date, cost_centre;
CREATE OR REPLACE VIEW reporting.v_weekly_cost_centre AS SELECT date_trunc('week', trip_date)::date AS period, cost_centre, count(DISTINCT vehicle_key) AS vehicles, count(*) AS trips, round(sum(distance_km)::numeric, 2) AS distance_km, sum(duration_s) AS drive_s, sum(idle_s) AS idle_s, max(max_speed_kmh) AS max_speed_kmh FROM reporting.v_trips GROUP BY 1, cost_centre;
CREATE OR REPLACE VIEW reporting.v_monthly_cost_centre AS SELECT date_trunc('month', trip_date)::date AS period, cost_centre, count(DISTINCT vehicle_key) AS vehicles, count(*) AS trips, round(sum(distance_km)::numeric, 2) AS distance_km, sum(duration_s) AS drive_s, sum(idle_s) AS idle_s, max(max_speed_kmh) AS max_speed_kmh FROM reporting.v_trips GROUP BY 1, cost_centre;
CREATE OR REPLACE VIEW reporting.v_trips_today AS SELECT * FROM reporting.v_trips WHERE trip_date = (SELECT today FROM reporting.v_settings);

CREATE OR REPLACE VIEW reporting.v_live_positions AS
SELECT lp.imei, COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), lp.imei) AS vehicle_number,
       COALESCE(d.vehicle_number_norm, reporting.normalize_plate(d.device_name), lp.imei) AS vehicle_key,
       COALESCE(tracksolid.driver_at(lp.imei, now()), 'Unassigned') AS driver_name,
       COALESCE(NULLIF(btrim(d.cost_centre), ''), 'Unassigned') AS cost_centre, COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned') AS assigned_city,
       d.vehicle_icon AS icon, lp.lat, lp.lng, lp.speed_kmh, lp.direction, lp.acc_status,
       COALESCE(lp.online, CASE WHEN now() - GREATEST(lp.gps_time, lp.hb_time) <= s.stale_s THEN 1 ELSE 0 END)::smallint AS online, lp.pos_type, lp.gps_num,
       lp.current_mileage_km, lp.elec_quantity, lp.power_value, lp.address, lp.gps_time, lp.hb_time,
       floor(extract(epoch FROM now() - lp.gps_time))::bigint AS fix_age_s, floor(extract(epoch FROM now() - GREATEST(lp.gps_time, lp.hb_time)))::bigint AS contact_age_s,
       CASE WHEN lp.lat IS NULL OR lp.gps_time IS NULL OR COALESCE(lp.expire_flag, 1) = 0 THEN 'nofix'
            WHEN now() - GREATEST(lp.gps_time, lp.hb_time) > s.stale_s THEN 'offline'
            WHEN lp.speed_kmh >= s.moving_kmh AND now() - lp.gps_time <= s.online_s THEN 'moving'
            WHEN lp.acc_status = 1 THEN 'idle' ELSE 'parked' END AS state
FROM tracksolid.live_positions lp CROSS JOIN reporting.v_settings s LEFT JOIN tracksolid.devices d USING (imei);

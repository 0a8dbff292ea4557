-- Functions of the dashboard (spec/fleet.md §2.1 L4). Numbers are as measured; sums are rounded to metres; moments as JavaScript writes them.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

-- Kilometres between two places; null where one is missing.
CREATE OR REPLACE FUNCTION reporting.distance_km(lat0 double precision, lng0 double precision, lat1 double precision, lng1 double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- LEAST() passes over null: without the CASE the first row of a track would add half the Earth.
  SELECT CASE WHEN lat0 IS NOT NULL AND lng0 IS NOT NULL AND lat1 IS NOT NULL AND lng1 IS NOT NULL THEN
    6371.0088 * 2 * asin(LEAST(1, sqrt(power(sin(radians(lat1 - lat0) / 2), 2) + cos(radians(lat0)) * cos(radians(lat1)) * power(sin(radians(lng1 - lng0) / 2), 2)))) END $$;

CREATE OR REPLACE FUNCTION reporting.fn_live_positions(p_cost_centre text DEFAULT NULL, p_acc_status text DEFAULT NULL) RETURNS jsonb LANGUAGE sql STABLE AS $$
WITH v AS MATERIALIZED (SELECT * FROM reporting.v_live_positions
           WHERE (NULLIF(p_cost_centre, '') IS NULL OR cost_centre = p_cost_centre)
             AND (NULLIF(p_acc_status, '') IS NULL OR acc_status = CASE lower(p_acc_status) WHEN 'on' THEN 1 WHEN '1' THEN 1 WHEN 'off' THEN 0 WHEN '0' THEN 0 END))
SELECT jsonb_build_object(
 'summary', jsonb_build_object('total', count(*), 'moving', count(*) FILTER (WHERE state = 'moving'), 'idle', count(*) FILTER (WHERE state = 'idle'),
    'parked', count(*) FILTER (WHERE state = 'parked'), 'offline', count(*) FILTER (WHERE state = 'offline'), 'nofix', count(*) FILTER (WHERE state = 'nofix'),
    'acc_on', count(*) FILTER (WHERE acc_status = 1), 'newest_fix', reporting.json_time(max(gps_time)), 'generated_at', reporting.json_time(now()),
    'cost_centres', (SELECT COALESCE(jsonb_agg(c ORDER BY c COLLATE "C"), '[]') FROM (SELECT DISTINCT COALESCE(NULLIF(btrim(cost_centre), ''), 'Unassigned') AS c FROM tracksolid.devices WHERE missing_since IS NULL) x)),
 'geojson', jsonb_build_object('type', 'FeatureCollection', 'features', COALESCE(jsonb_agg(jsonb_build_object('type', 'Feature', 'id', imei,
    'geometry', CASE WHEN lat IS NULL OR lng IS NULL THEN NULL ELSE jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(lng, lat)) END,
    'properties', jsonb_build_object('imei', imei, 'vehicle_number', vehicle_number, 'driver_name', driver_name, 'cost_centre', cost_centre, 'assigned_city', assigned_city, 'icon', icon,
      'speed_kmh', speed_kmh, 'direction', direction, 'acc_status', acc_status, 'online', online, 'state', state, 'pos_type', pos_type, 'satellites', gps_num,
      'mileage_km', current_mileage_km, 'address', address, 'gps_time', reporting.json_time(gps_time), 'hb_time', reporting.json_time(hb_time), 'fix_age_s', fix_age_s)) ORDER BY vehicle_number COLLATE "C", imei COLLATE "C"), '[]')))
FROM v $$;

-- The vehicle that a text means: plate, then ident, then the device's name.
CREATE OR REPLACE FUNCTION reporting.find_vehicle(p_vehicle_number text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT imei FROM (
    SELECT 1 AS rank, imei FROM tracksolid.devices WHERE vehicle_number_norm = reporting.normalize_plate(p_vehicle_number)
    UNION ALL SELECT 2, imei FROM tracksolid.devices WHERE imei = btrim(p_vehicle_number)
    UNION ALL SELECT 3, imei FROM tracksolid.devices WHERE reporting.normalize_plate(device_name) = reporting.normalize_plate(p_vehicle_number)) x ORDER BY rank, imei COLLATE "C" LIMIT 1 $$;

-- A vehicle's fixes between two moments with the step from the fix before.
CREATE OR REPLACE FUNCTION reporting.track_points(p_imei text, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (gps_time timestamptz, lat double precision, lng double precision, speed_kmh double precision, direction double precision, acc_status smallint, gap_s bigint, step_km double precision)
LANGUAGE sql STABLE AS $$
  SELECT p.gps_time, p.lat, p.lng, p.speed_kmh, p.direction, p.acc_status, floor(extract(epoch FROM p.gps_time - lag(p.gps_time) OVER w))::bigint,
         reporting.distance_km(lag(p.lat) OVER w, lag(p.lng) OVER w, p.lat, p.lng)
  FROM tracksolid.position_history p WHERE p.imei = p_imei AND p.gps_time >= p_from AND p.gps_time <= p_to AND (p.flags & 5) = 0 WINDOW w AS (ORDER BY p.gps_time) $$;

CREATE OR REPLACE FUNCTION reporting.fn_vehicle_track(p_vehicle_number text, p_hours integer DEFAULT 24) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE im text := reporting.find_vehicle(p_vehicle_number); hrs integer := LEAST(GREATEST(COALESCE(p_hours, 24), 1), 168); result jsonb; vehicle jsonb;
BEGIN
  SELECT jsonb_build_object('imei', imei, 'vehicle_number', COALESCE(NULLIF(btrim(vehicle_number), ''), NULLIF(btrim(device_name), ''), imei), 'driver_name', COALESCE(tracksolid.driver_at(imei, now()), 'Unassigned'),
    'cost_centre', COALESCE(NULLIF(btrim(cost_centre), ''), 'Unassigned'), 'assigned_city', COALESCE(NULLIF(btrim(assigned_city), ''), 'Unassigned')) INTO vehicle FROM tracksolid.devices WHERE imei = im;
  SELECT jsonb_build_object('found', im IS NOT NULL, 'vehicle', vehicle, 'hours', hrs,
    'summary', jsonb_build_object('points', count(*), 'first_fix', reporting.json_time(min(gps_time)), 'last_fix', reporting.json_time(max(gps_time)),
      'distance_km', trim_scale(round(COALESCE(sum(step_km ORDER BY gps_time) FILTER (WHERE speed_kmh >= 5), 0)::numeric, 3)), 'max_speed_kmh', max(speed_kmh), 'max_gap_s', max(gap_s)),
    'geojson', jsonb_build_object('type', 'FeatureCollection', 'features', CASE WHEN count(*) >= 2 THEN jsonb_build_array(jsonb_build_object('type', 'Feature',
       'geometry', jsonb_build_object('type', 'LineString', 'coordinates', jsonb_agg(jsonb_build_array(lng, lat) ORDER BY gps_time)), 'properties', jsonb_build_object('kind', 'track'))) ELSE '[]'::jsonb END),
    'points', COALESCE(jsonb_agg(jsonb_build_object('t', reporting.json_time(gps_time), 'lat', lat, 'lng', lng, 'speed_kmh', speed_kmh, 'direction', direction, 'acc', acc_status, 'gap_s', gap_s) ORDER BY gps_time), '[]'::jsonb))
  INTO result FROM reporting.track_points(im, now() - make_interval(hours => hrs), now());
  RETURN result;
END $$;

CREATE OR REPLACE FUNCTION reporting.fn_trips_for_map(p_vehicle_numbers text[] DEFAULT NULL, p_driver text DEFAULT NULL, p_cost_centre text DEFAULT NULL,
   p_city text DEFAULT NULL, p_start date DEFAULT NULL, p_end date DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  today date := (SELECT v.today FROM reporting.v_settings v); d0 date := COALESCE(p_start, p_end, today); d1 date := COALESCE(p_end, p_start, today); result jsonb;
  keys text[] := (SELECT array_agg(k) FROM (SELECT reporting.normalize_plate(x) AS k FROM unnest(p_vehicle_numbers) x UNION SELECT btrim(x) FROM unnest(p_vehicle_numbers) x) y WHERE k <> '');
BEGIN
  SELECT jsonb_build_object('range', jsonb_build_object('start', d0, 'end', d1, 'tz', reporting.setting('tz')),
   'summary', jsonb_build_object('trips', count(*), 'vehicles', count(DISTINCT vehicle_key), 'drivers', count(DISTINCT driver_name) FILTER (WHERE driver_name <> 'Unassigned'),
     'distance_km', trim_scale(round(COALESCE(sum(distance_km ORDER BY start_time, trip_id), 0)::numeric, 3)), 'drive_s', COALESCE(sum(duration_s), 0), 'idle_s', COALESCE(sum(idle_s), 0), 'max_speed_kmh', max(max_speed_kmh)),
   'geojson', jsonb_build_object('type', 'FeatureCollection', 'features', COALESCE(jsonb_agg(jsonb_build_object('type', 'Feature', 'id', trip_id,
      'geometry', CASE WHEN start_lat IS NULL OR start_lng IS NULL OR end_lat IS NULL OR end_lng IS NULL THEN NULL
                       ELSE jsonb_build_object('type', 'LineString', 'coordinates', jsonb_build_array(jsonb_build_array(start_lng, start_lat), jsonb_build_array(end_lng, end_lat))) END,
      'properties', jsonb_build_object('trip_id', trip_id, 'imei', imei, 'vehicle_number', vehicle_number, 'driver_name', driver_name, 'cost_centre', cost_centre, 'assigned_city', assigned_city, 'trip_date', trip_date,
        'start_time', reporting.json_time(start_time), 'end_time', reporting.json_time(end_time), 'is_active', is_active, 'duration_s', duration_s, 'idle_s', idle_s, 'distance_km', distance_km, 'avg_speed_kmh', avg_speed_kmh,
        'max_speed_kmh', max_speed_kmh, 'start_address', start_address, 'end_address', end_address)) ORDER BY start_time, trip_id), '[]')))
  INTO result FROM reporting.v_trips v
  WHERE v.trip_date BETWEEN d0 AND d1 AND (COALESCE(cardinality(p_vehicle_numbers), 0) = 0 OR v.vehicle_key = ANY (keys) OR v.imei = ANY (keys))
    AND (NULLIF(p_driver, '') IS NULL OR v.driver_name = p_driver) AND (NULLIF(p_cost_centre, '') IS NULL OR v.cost_centre = p_cost_centre)
    AND (NULLIF(p_city, '') IS NULL OR v.assigned_city = p_city);
  RETURN result;
END $$;

-- What the dashboard's filters offer.
CREATE OR REPLACE FUNCTION reporting.fn_filters() RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT jsonb_build_object(
 'vehicles', (SELECT COALESCE(jsonb_agg(jsonb_build_object('vehicle_number', vehicle_number, 'cost_centre', cost_centre, 'assigned_city', assigned_city, 'trips', trips, 'last_trip_date', last_trip_date) ORDER BY vehicle_number COLLATE "C"), '[]') FROM reporting.v_filter_vehicles),
 'drivers', (SELECT COALESCE(jsonb_agg(jsonb_build_object('driver_name', driver_name, 'trips', trips, 'vehicles', vehicles) ORDER BY driver_name COLLATE "C"), '[]') FROM reporting.v_filter_drivers),
 'cost_centres', (SELECT COALESCE(jsonb_agg(jsonb_build_object('cost_centre', cost_centre, 'trips', trips, 'vehicles', vehicles) ORDER BY cost_centre COLLATE "C"), '[]') FROM reporting.v_filter_cost_centres),
 'cities', (SELECT COALESCE(jsonb_agg(jsonb_build_object('city', assigned_city, 'trips', trips, 'vehicles', vehicles) ORDER BY assigned_city COLLATE "C"), '[]') FROM reporting.v_filter_cities)) $$;

-- The way of one trip, fix by fix; null where there is no such trip.
CREATE OR REPLACE FUNCTION reporting.fn_trip_path(p_trip_id bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT (SELECT jsonb_build_object('trip_id', t.trip_id, 'points', count(*),
   'geojson', jsonb_build_object('type', 'FeatureCollection', 'features', CASE WHEN count(*) >= 2 THEN jsonb_build_array(jsonb_build_object('type', 'Feature', 'id', t.trip_id,
     'geometry', jsonb_build_object('type', 'LineString', 'coordinates', jsonb_agg(jsonb_build_array(p.lng, p.lat) ORDER BY p.gps_time)),
     'properties', jsonb_build_object('kind', 'path', 'times', jsonb_agg(reporting.json_time(p.gps_time) ORDER BY p.gps_time)))) ELSE '[]'::jsonb END))
   FROM tracksolid.position_history p WHERE p.imei = t.imei AND p.gps_time BETWEEN t.start_time AND t.end_time AND (p.flags & 5) = 0)
FROM reporting.v_trips t WHERE t.trip_id = p_trip_id $$;

-- The answer of POST /webhook/fleet-dashboard. 54000 where there are more trips than one answer holds.
CREATE OR REPLACE FUNCTION reporting.fn_dashboard(p_vehicle_numbers text[] DEFAULT NULL, p_driver text DEFAULT NULL, p_cost_centre text DEFAULT NULL,
   p_city text DEFAULT NULL, p_start date DEFAULT NULL, p_end date DEFAULT NULL, p_trips_max integer DEFAULT 20000) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE today date := (SELECT v.today FROM reporting.v_settings v); n bigint;
BEGIN
  SELECT count(*) INTO n FROM (SELECT 1 FROM reporting.v_trips WHERE trip_date BETWEEN COALESCE(p_start, p_end, today) AND COALESCE(p_end, p_start, today)
    AND (NULLIF(p_cost_centre, '') IS NULL OR cost_centre = p_cost_centre) AND (NULLIF(p_driver, '') IS NULL OR driver_name = p_driver) AND (NULLIF(p_city, '') IS NULL OR assigned_city = p_city)
    AND (COALESCE(cardinality(p_vehicle_numbers), 0) = 0 OR vehicle_key IN (SELECT reporting.normalize_plate(x) FROM unnest(p_vehicle_numbers) x) OR imei = ANY (p_vehicle_numbers)) LIMIT p_trips_max + 1) x;
  IF n > p_trips_max THEN RAISE EXCEPTION 'more than % trips: ask for fewer days, or for a vehicle, driver, cost centre or city', p_trips_max USING ERRCODE = 'program_limit_exceeded'; END IF;
  RETURN reporting.fn_trips_for_map(p_vehicle_numbers, p_driver, p_cost_centre, p_city, p_start, p_end) || jsonb_build_object('filters', reporting.fn_filters());
END $$;

-- The answer of GET /health/ingest; ok false (503) when live positions have not been brought up to date for 300 s.
CREATE OR REPLACE FUNCTION reporting.fn_health_ingest() RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT jsonb_build_object('ok', COALESCE(bool_or(job = 'live_positions' AND ok_age_s <= 300), false), 'jobs', COALESCE(jsonb_agg(jsonb_build_object('job', job, 'last_ok', reporting.json_time(last_ok), 'ok_age_s', ok_age_s,
  'last_run', reporting.json_time(last_run), 'runs_24h', runs_24h, 'failures_24h', failures_24h, 'rows_24h', rows_24h, 'p95_ms', p95_ms, 'last_error', last_error) ORDER BY job COLLATE "C"), '[]')) FROM tracksolid.v_ingestion_health $$;

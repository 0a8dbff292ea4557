-- Trips, parking, idling and alarms from the engine's intervals; who drove, where a vehicle belongs.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE TABLE IF NOT EXISTS reporting.trips (
  trip_id bigint NOT NULL, calc_id bigint NOT NULL, device_id bigint NOT NULL, interval_id bigint NOT NULL, imei text NOT NULL,
  vehicle_number text NOT NULL, vehicle_key text NOT NULL, driver_name text NOT NULL, cost_centre text NOT NULL, assigned_city text NOT NULL,
  start_time timestamptz NOT NULL, end_time timestamptz NOT NULL, trip_date date NOT NULL, day_start timestamptz NOT NULL,
  start_local timestamp NOT NULL, end_local timestamp NOT NULL, is_active boolean NOT NULL, duration_s integer NOT NULL, idle_s integer,
  distance_km double precision, avg_speed_kmh double precision, max_speed_kmh double precision, fuel_l double precision,
  start_mileage_km double precision, end_mileage_km double precision,
  start_lat double precision, start_lng double precision, end_lat double precision, end_lng double precision, start_address text, end_address text,
  driver_key text, source text NOT NULL DEFAULT 'engine', updated_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX IF NOT EXISTS ix_v_trips_trip_id ON reporting.trips (trip_id);
CREATE INDEX IF NOT EXISTS ix_v_trips_date ON reporting.trips (trip_date, vehicle_key);
CREATE INDEX IF NOT EXISTS ix_v_trips_cc ON reporting.trips (cost_centre, trip_date);
CREATE INDEX IF NOT EXISTS ix_v_trips_imei ON reporting.trips (imei, start_time);
CREATE INDEX IF NOT EXISTS ix_v_trips_day ON reporting.trips (day_start);
CREATE INDEX IF NOT EXISTS ix_v_trips_end ON reporting.trips (imei, end_time);
COMMENT ON TABLE reporting.trips IS 'The engine''s trips, kept by the change feed; read reporting.v_trips.';
COMMENT ON COLUMN reporting.trips.trip_id IS 'device_id * 1000000000 + interval_id: the same wherever it is worked out.';

CREATE OR REPLACE VIEW reporting.v_trips AS
SELECT trip_id, imei, vehicle_number, vehicle_key, driver_name, cost_centre, assigned_city, start_time, end_time, trip_date, start_local, end_local,
       duration_s, idle_s, distance_km, avg_speed_kmh, max_speed_kmh, fuel_l, start_lat, start_lng, end_lat, end_lng, start_address, end_address, source,
       is_active, day_start, start_mileage_km, end_mileage_km, calc_id, device_id, interval_id, updated_at
FROM reporting.trips WHERE end_time > start_time;
COMMENT ON VIEW reporting.v_trips IS 'Trips of the engine, within seconds; the driver is the one of the trip''s own day.';

-- Vehicle, driver, cost centre, city and local day of a trip: one row, inlined into the statements that write trips.
CREATE OR REPLACE FUNCTION odograph.trip_labels(p_imei text, p_begin timestamptz, p_end timestamptz, p_key text, p_tz text)
RETURNS TABLE (vehicle_number text, vehicle_key text, driver_name text, cost_centre text, assigned_city text, start_local timestamp, end_local timestamp, trip_date date, day_start timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT COALESCE(NULLIF(btrim(d.vehicle_number), ''), NULLIF(btrim(d.device_name), ''), p_imei), COALESCE(d.vehicle_number_norm, reporting.normalize_plate(d.device_name), p_imei),
    COALESCE((SELECT k.driver_name FROM tracksolid.driver_keys k WHERE k.driver_key = p_key),
             (SELECT a.driver_name FROM tracksolid.driver_assignments a WHERE a.imei = p_imei AND a.valid_from <= p_begin AND a.valid_to > p_begin LIMIT 1), 'Unassigned'),
    COALESCE(NULLIF(btrim(d.cost_centre), ''), 'Unassigned'), COALESCE(NULLIF(btrim(d.assigned_city), ''), 'Unassigned'),
    p_begin AT TIME ZONE p_tz, p_end AT TIME ZONE p_tz, (p_begin AT TIME ZONE p_tz)::date, date_trunc('day', p_begin AT TIME ZONE p_tz) AT TIME ZONE p_tz
  FROM (SELECT 1) one LEFT JOIN tracksolid.devices d ON d.imei = p_imei $$;

CREATE OR REPLACE FUNCTION odograph.label_alarm() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE t tracksolid.alarm_types; z text := (SELECT value FROM reporting.settings WHERE key = 'tz');
BEGIN
  SELECT * INTO t FROM tracksolid.alarm_types WHERE alarm_type = NEW.alarm_type;
  NEW.alarm_name := COALESCE(NEW.alarm_name, t.alarm_name, NEW.alarm_type);
  NEW.severity := COALESCE(CASE WHEN NEW.severity IN ('critical', 'warning', 'info') THEN NEW.severity END, t.severity, 'info');
  NEW.driver_name := COALESCE(tracksolid.driver_at(NEW.imei, NEW.alarm_time), 'Unassigned');
  NEW.day_start := date_trunc('day', NEW.alarm_time AT TIME ZONE z) AT TIME ZONE z;
  IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN RETURN NULL; END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS alarms_label ON tracksolid.alarms;
CREATE TRIGGER alarms_label BEFORE INSERT OR UPDATE ON tracksolid.alarms FOR EACH ROW EXECUTE FUNCTION odograph.label_alarm();

-- Works out the labels of the given vehicles' trips and alarms again; all of them without an argument. Returns the trips changed.
CREATE OR REPLACE FUNCTION reporting.relabel(p_imeis text[] DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  UPDATE reporting.trips t SET (vehicle_number, vehicle_key, driver_name, cost_centre, assigned_city, start_local, end_local, trip_date, day_start) = (l.vehicle_number, l.vehicle_key, l.driver_name, l.cost_centre, l.assigned_city, l.start_local, l.end_local, l.trip_date, l.day_start), updated_at = now()
  FROM reporting.trips o, (SELECT value AS tz FROM reporting.settings WHERE key = 'tz' OFFSET 0) z, LATERAL odograph.trip_labels(o.imei, o.start_time, o.end_time, o.driver_key, z.tz) l
  WHERE t.trip_id = o.trip_id AND (p_imeis IS NULL OR o.imei = ANY (p_imeis)) AND (t.vehicle_number, t.vehicle_key, t.driver_name, t.cost_centre, t.assigned_city, t.start_local, t.end_local, t.trip_date, t.day_start)
    IS DISTINCT FROM (l.vehicle_number, l.vehicle_key, l.driver_name, l.cost_centre, l.assigned_city, l.start_local, l.end_local, l.trip_date, l.day_start);
  GET DIAGNOSTICS n = ROW_COUNT;
  UPDATE tracksolid.alarms SET imei = imei WHERE p_imeis IS NULL OR imei = ANY (p_imeis);
  RETURN n;
END $$;
CREATE OR REPLACE FUNCTION odograph.relabel_devices() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE im text[];
BEGIN
  SELECT array_agg(n.imei) INTO im FROM newrows n JOIN oldrows o USING (imei)
  WHERE (n.vehicle_number, n.device_name, n.cost_centre, n.assigned_city) IS DISTINCT FROM (o.vehicle_number, o.device_name, o.cost_centre, o.assigned_city);
  IF im IS NOT NULL THEN PERFORM reporting.relabel(im); END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS devices_relabel ON tracksolid.devices;
CREATE TRIGGER devices_relabel AFTER UPDATE ON tracksolid.devices REFERENCING NEW TABLE AS newrows OLD TABLE AS oldrows FOR EACH STATEMENT EXECUTE FUNCTION odograph.relabel_devices();
CREATE OR REPLACE FUNCTION odograph.relabel_drivers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE im text[];
BEGIN
  IF TG_OP = 'INSERT' THEN SELECT array_agg(DISTINCT imei) INTO im FROM newrows;
  ELSIF TG_OP = 'DELETE' THEN SELECT array_agg(DISTINCT imei) INTO im FROM oldrows;
  ELSE SELECT array_agg(DISTINCT imei) INTO im FROM (SELECT imei FROM newrows UNION SELECT imei FROM oldrows) x; END IF;
  IF im IS NOT NULL THEN PERFORM reporting.relabel(im); END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS drivers_relabel_i ON tracksolid.driver_assignments;
DROP TRIGGER IF EXISTS drivers_relabel_u ON tracksolid.driver_assignments;
DROP TRIGGER IF EXISTS drivers_relabel_d ON tracksolid.driver_assignments;
CREATE TRIGGER drivers_relabel_i AFTER INSERT ON tracksolid.driver_assignments REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION odograph.relabel_drivers();
CREATE TRIGGER drivers_relabel_u AFTER UPDATE ON tracksolid.driver_assignments REFERENCING NEW TABLE AS newrows OLD TABLE AS oldrows FOR EACH STATEMENT EXECUTE FUNCTION odograph.relabel_drivers();
CREATE TRIGGER drivers_relabel_d AFTER DELETE ON tracksolid.driver_assignments REFERENCING OLD TABLE AS oldrows FOR EACH STATEMENT EXECUTE FUNCTION odograph.relabel_drivers();
CREATE OR REPLACE FUNCTION odograph.relabel_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM reporting.relabel((SELECT array_agg(DISTINCT imei) FROM reporting.trips WHERE driver_key IS NOT NULL));
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS keys_relabel ON tracksolid.driver_keys;
CREATE TRIGGER keys_relabel AFTER INSERT OR UPDATE OR DELETE ON tracksolid.driver_keys FOR EACH STATEMENT EXECUTE FUNCTION odograph.relabel_keys();

-- Another business time zone: every local day is worked out again.
CREATE OR REPLACE FUNCTION reporting.set_timezone(p_tz text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM now() AT TIME ZONE p_tz; -- an error for a zone that does not exist
  IF (SELECT value FROM reporting.settings WHERE key = 'tz') = p_tz THEN RETURN; END IF;
  IF reporting.setting('storage') <> 'plain' THEN
    RAISE EXCEPTION 'the continuous aggregate has its time zone built in: drop tracksolid.v_mileage_daily_cagg CASCADE, change the setting, and migrate again' USING ERRCODE = 'feature_not_supported';
  END IF;
  UPDATE reporting.settings SET value = p_tz WHERE key = 'tz';
  PERFORM reporting.relabel();
  INSERT INTO tracksolid.mileage_daily_dirty (imei, day)
    SELECT DISTINCT imei, (t AT TIME ZONE p_tz)::date FROM tracksolid.mileage_daily, unnest(ARRAY[first_gps, last_gps]) t;
  DELETE FROM tracksolid.mileage_daily;
END $$;

-- ---- which calculator fills what
-- The first of these counters that an interval has becomes the column; metadata.report_counters {"distance_km": "my.km"} goes before.
CREATE TABLE IF NOT EXISTS odograph.role_counters (column_name text PRIMARY KEY, counters text[] NOT NULL);
INSERT INTO odograph.role_counters VALUES
 ('distance_km', '{distance,mileage,distance_km}'), ('max_speed_kmh', '{speed.max,max.speed,max_speed}'), ('avg_speed_kmh', '{speed.average,avg.speed,avg_speed}'),
 ('idle_s', '{standing.duration,idle.duration,idling.duration}'), ('fuel_l', '{fuel.used,fuel}'),
 ('start_lat', '{begin.latitude,start.latitude,latitude,position.latitude}'), ('start_lng', '{begin.longitude,start.longitude,longitude,position.longitude}'),
 ('end_lat', '{end.latitude,finish.latitude}'), ('end_lng', '{end.longitude,finish.longitude}'),
 ('start_address', '{begin.address,address.start,address}'), ('end_address', '{end.address,address.end}'),
 ('start_mileage_km', '{odometer.begin,mileage_start,odometer.start}'), ('end_mileage_km', '{odometer.end,mileage_end}'),
 ('driver_key', '{driver,driver.id,rfid}'), ('engine_on_s', '{engine.on.duration}')
ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION odograph.pick_sql(p_json jsonb, p_column text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'COALESCE(' || string_agg(format('odograph.as_json(s.counters -> %L)', n), ', ') || ', NULL)' FROM (
    SELECT p_json -> 'metadata' -> 'report_counters' ->> p_column AS n WHERE p_json -> 'metadata' -> 'report_counters' ->> p_column IS NOT NULL
    UNION ALL SELECT unnest(counters) FROM odograph.role_counters WHERE column_name = p_column) x $$;

CREATE OR REPLACE FUNCTION odograph.role_sql(p_calc bigint, p_role text, p_json jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE a jsonb := p_json -> 'metadata' -> 'alarm'; number text := 'odograph.as_number(%s)'; src text;
BEGIN
  src := format('FROM {source} s JOIN odograph.devices v ON v.device_id = s.device_id %s WHERE s.calc_id = %s AND s.device_id < 9000000 AND s.interval_id < 1000000000',
    CASE WHEN p_role <> 'alarm' THEN format('JOIN odograph.role_sources r ON r.role = %L AND r.device_id = s.device_id AND r.calc_id = s.calc_id', p_role) ELSE '' END, p_calc);
  IF p_role = 'trips' THEN
    RETURN format('INSERT INTO reporting.trips AS t (trip_id, device_id, interval_id, calc_id, imei, start_time, end_time, is_active, duration_s, idle_s, distance_km, avg_speed_kmh, max_speed_kmh, fuel_l, start_mileage_km, end_mileage_km, start_lat, start_lng, end_lat, end_lng, start_address, end_address, driver_key, vehicle_number, vehicle_key, driver_name, cost_centre, assigned_city, start_local, end_local, trip_date, day_start)
      SELECT x.device_id * 1000000000 + x.interval_id, x.device_id, x.interval_id, x.calc_id, x.imei, x.start_time, x.end_time, x.is_active, x.duration_s, x.idle_s, x.distance_km, x.avg_speed_kmh, x.max_speed_kmh, x.fuel_l, x.start_mileage_km, x.end_mileage_km, x.start_lat, x.start_lng, x.end_lat, x.end_lng, x.start_address, x.end_address, x.driver_key, l.vehicle_number, l.vehicle_key, l.driver_name, l.cost_centre, l.assigned_city, l.start_local, l.end_local, l.trip_date, l.day_start
      FROM (SELECT s.calc_id, s.device_id, s.interval_id, v.ident AS imei, s.begin_at AS start_time, s.end_at AS end_time, s.is_active,
        COALESCE(odograph.as_seconds(extract(epoch FROM s.end_at - s.begin_at)::double precision), 0) AS duration_s, odograph.as_seconds(%s) AS idle_s, %s AS distance_km, COALESCE(%s, %s / NULLIF(extract(epoch FROM s.end_at - s.begin_at)::double precision, 0) * 3600) AS avg_speed_kmh,
        %s AS max_speed_kmh, %s AS fuel_l, %s AS start_mileage_km, %s AS end_mileage_km, %s AS start_lat, %s AS start_lng, %s AS end_lat, %s AS end_lng, %s AS start_address, %s AS end_address, %s AS driver_key %s OFFSET 0) x
      CROSS JOIN (SELECT value AS tz FROM reporting.settings WHERE key = ''tz'' OFFSET 0) z CROSS JOIN LATERAL odograph.trip_labels(x.imei, x.start_time, x.end_time, x.driver_key, z.tz) l
      ON CONFLICT (trip_id) DO UPDATE SET (calc_id, imei, start_time, end_time, is_active, duration_s, idle_s, distance_km, avg_speed_kmh, max_speed_kmh, fuel_l, start_mileage_km, end_mileage_km, start_lat, start_lng, end_lat, end_lng, start_address, end_address, driver_key, vehicle_number, vehicle_key, driver_name, cost_centre, assigned_city, start_local, end_local, trip_date, day_start, updated_at)
        = (EXCLUDED.calc_id, EXCLUDED.imei, EXCLUDED.start_time, EXCLUDED.end_time, EXCLUDED.is_active, EXCLUDED.duration_s, EXCLUDED.idle_s, EXCLUDED.distance_km, EXCLUDED.avg_speed_kmh, EXCLUDED.max_speed_kmh, EXCLUDED.fuel_l, EXCLUDED.start_mileage_km, EXCLUDED.end_mileage_km, EXCLUDED.start_lat, EXCLUDED.start_lng, EXCLUDED.end_lat, EXCLUDED.end_lng, EXCLUDED.start_address, EXCLUDED.end_address, EXCLUDED.driver_key, EXCLUDED.vehicle_number, EXCLUDED.vehicle_key, EXCLUDED.driver_name, EXCLUDED.cost_centre, EXCLUDED.assigned_city, EXCLUDED.start_local, EXCLUDED.end_local, EXCLUDED.trip_date, EXCLUDED.day_start, now())
      WHERE (t.calc_id, t.imei, t.start_time, t.end_time, t.is_active, t.duration_s, t.idle_s, t.distance_km, t.avg_speed_kmh, t.max_speed_kmh, t.fuel_l, t.start_mileage_km, t.end_mileage_km, t.start_lat, t.start_lng, t.end_lat, t.end_lng, t.start_address, t.end_address, t.driver_key, t.vehicle_number, t.vehicle_key, t.driver_name, t.cost_centre, t.assigned_city, t.start_local, t.end_local, t.trip_date, t.day_start) IS DISTINCT FROM (EXCLUDED.calc_id, EXCLUDED.imei, EXCLUDED.start_time, EXCLUDED.end_time, EXCLUDED.is_active, EXCLUDED.duration_s, EXCLUDED.idle_s, EXCLUDED.distance_km, EXCLUDED.avg_speed_kmh, EXCLUDED.max_speed_kmh, EXCLUDED.fuel_l, EXCLUDED.start_mileage_km, EXCLUDED.end_mileage_km, EXCLUDED.start_lat, EXCLUDED.start_lng, EXCLUDED.end_lat, EXCLUDED.end_lng, EXCLUDED.start_address, EXCLUDED.end_address, EXCLUDED.driver_key, EXCLUDED.vehicle_number, EXCLUDED.vehicle_key, EXCLUDED.driver_name, EXCLUDED.cost_centre, EXCLUDED.assigned_city, EXCLUDED.start_local, EXCLUDED.end_local, EXCLUDED.trip_date, EXCLUDED.day_start)',
      format(number, odograph.pick_sql(p_json, 'idle_s')), format(number, odograph.pick_sql(p_json, 'distance_km')),
      format(number, odograph.pick_sql(p_json, 'avg_speed_kmh')), format(number, odograph.pick_sql(p_json, 'distance_km')),
      format(number, odograph.pick_sql(p_json, 'max_speed_kmh')), format(number, odograph.pick_sql(p_json, 'fuel_l')),
      format(number, odograph.pick_sql(p_json, 'start_mileage_km')), format(number, odograph.pick_sql(p_json, 'end_mileage_km')),
      format(number, odograph.pick_sql(p_json, 'start_lat')), format(number, odograph.pick_sql(p_json, 'start_lng')),
      format(number, odograph.pick_sql(p_json, 'end_lat')), format(number, odograph.pick_sql(p_json, 'end_lng')),
      format('odograph.as_text(%s)', odograph.pick_sql(p_json, 'start_address')), format('odograph.as_text(%s)', odograph.pick_sql(p_json, 'end_address')),
      format('odograph.as_text(%s)', odograph.pick_sql(p_json, 'driver_key')), src);
  ELSIF p_role IN ('parking', 'idling') THEN
    RETURN format('INSERT INTO tracksolid.parking_events AS t (imei, kind, start_time, end_time, dur_s, stop_s, lat, lng, address, acc, is_active, source, calc_id, device_id, interval_id)
      SELECT v.ident, %L, s.begin_at, s.end_at, odograph.as_seconds(extract(epoch FROM s.end_at - s.begin_at)::double precision), odograph.as_seconds(extract(epoch FROM s.end_at - s.begin_at)::double precision),
        %s, %s, %s, %s, s.is_active, ''engine'', s.calc_id, s.device_id, s.interval_id %s
      ON CONFLICT (calc_id, device_id, interval_id) WHERE calc_id IS NOT NULL DO UPDATE SET imei = EXCLUDED.imei, kind = EXCLUDED.kind, start_time = EXCLUDED.start_time, end_time = EXCLUDED.end_time,
        dur_s = EXCLUDED.dur_s, stop_s = EXCLUDED.stop_s, lat = EXCLUDED.lat, lng = EXCLUDED.lng, address = EXCLUDED.address, acc = EXCLUDED.acc, is_active = EXCLUDED.is_active', p_role,
      format(number, odograph.pick_sql(p_json, 'start_lat')), format(number, odograph.pick_sql(p_json, 'start_lng')), format('odograph.as_text(%s)', odograph.pick_sql(p_json, 'start_address')),
      CASE p_role WHEN 'idling' THEN '''on''' ELSE format('CASE WHEN odograph.as_number(%s) > 0 THEN ''on'' ELSE ''off'' END', odograph.pick_sql(p_json, 'engine_on_s')) END, src);
  END IF;
  RETURN format('INSERT INTO tracksolid.alarms AS t (imei, alarm_type, alarm_name, severity, alarm_time, end_time, positioning_time, lat, lng, speed_kmh, source, calc_id, device_id, interval_id)
      SELECT v.ident, %L, %L, %L, s.begin_at, CASE WHEN NOT s.is_active THEN s.end_at END, s.begin_at, %s, %s, %s, ''calculator'', s.calc_id, s.device_id, s.interval_id %s
      ON CONFLICT (calc_id, device_id, interval_id) WHERE calc_id IS NOT NULL DO UPDATE SET imei = EXCLUDED.imei, alarm_type = EXCLUDED.alarm_type, alarm_name = EXCLUDED.alarm_name, severity = EXCLUDED.severity,
        alarm_time = EXCLUDED.alarm_time, end_time = EXCLUDED.end_time, positioning_time = EXCLUDED.positioning_time, lat = EXCLUDED.lat, lng = EXCLUDED.lng, speed_kmh = EXCLUDED.speed_kmh',
      left(COALESCE(a ->> 'type', CASE WHEN jsonb_typeof(a) = 'string' THEN a #>> '{}' END, p_json ->> 'name', 'calculator ' || p_calc), 200),
      COALESCE(a ->> 'name', CASE WHEN jsonb_typeof(a) <> 'string' OR NOT EXISTS (SELECT 1 FROM tracksolid.alarm_types WHERE alarm_type = a #>> '{}') THEN p_json ->> 'name' END), a ->> 'severity',
      format(number, odograph.pick_sql(p_json, 'start_lat')), format(number, odograph.pick_sql(p_json, 'start_lng')), format(number, odograph.pick_sql(p_json, 'max_speed_kmh')), src);
END $$;

-- Takes the intervals of a calculator over into one fleet table again; p_devices limits it to these devices.
CREATE OR REPLACE FUNCTION odograph.refill_role(p_calc bigint, p_role text, p_devices bigint[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE s text;
BEGIN
  IF p_role = 'trips' THEN DELETE FROM reporting.trips WHERE calc_id = p_calc AND (p_devices IS NULL OR device_id = ANY (p_devices));
  ELSIF p_role = 'alarm' THEN DELETE FROM tracksolid.alarms WHERE calc_id = p_calc AND (p_devices IS NULL OR device_id = ANY (p_devices));
  ELSE DELETE FROM tracksolid.parking_events WHERE calc_id = p_calc AND kind = p_role AND (p_devices IS NULL OR device_id = ANY (p_devices)); END IF;
  IF NOT EXISTS (SELECT 1 FROM odograph.intervals WHERE calc_id = p_calc) THEN RETURN; END IF;
  SELECT sql INTO s FROM odograph.calculator_roles WHERE calc_id = p_calc AND role = p_role;
  IF FOUND THEN EXECUTE replace(s, '{source}', CASE WHEN p_devices IS NULL THEN 'odograph.intervals' ELSE format('(SELECT * FROM odograph.intervals WHERE calc_id = %s AND device_id = ANY (%L::bigint[]))', p_calc, p_devices) END); END IF;
END $$;

-- Decides anew which calculators fill what, and takes over what changed. metadata.report: trips, parking or idling;
-- where no calculator says so, the ones named Trips, Stops (parking) and Idling. metadata.alarm: each interval is an alarm.
CREATE OR REPLACE FUNCTION odograph.settle_roles() RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record; old_roles odograph.calculator_roles[]; old_sources odograph.role_sources[]; done text[] := '{}';
BEGIN
  SELECT COALESCE(array_agg(x), '{}') INTO old_roles FROM odograph.calculator_roles x;
  SELECT COALESCE(array_agg(x), '{}') INTO old_sources FROM odograph.role_sources x;
  DELETE FROM odograph.calculator_roles;
  INSERT INTO odograph.calculator_roles (calc_id, role, sql)
  SELECT calc_id, role, odograph.role_sql(calc_id, role, json) FROM (
    SELECT calc_id, json, json -> 'metadata' ->> 'report' AS role FROM odograph.calculators WHERE deleted_at IS NULL AND json -> 'metadata' ->> 'report' IN ('trips', 'parking', 'idling')
    UNION SELECT c.calc_id, c.json, n.role FROM odograph.calculators c JOIN (VALUES ('trips', 'trips'), ('stops', 'parking'), ('idling', 'idling')) n(name, role) ON lower(btrim(c.name)) = n.name
      WHERE c.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM odograph.calculators o WHERE o.deleted_at IS NULL AND o.json -> 'metadata' ->> 'report' = n.role)
    UNION SELECT calc_id, json, 'alarm' FROM odograph.calculators WHERE deleted_at IS NULL AND COALESCE(json -> 'metadata' -> 'alarm', 'null') NOT IN ('null', 'false')) x;
  DELETE FROM odograph.role_sources;
  INSERT INTO odograph.role_sources (role, device_id, calc_id)
  SELECT r2.role, a.device_id, min(a.calc_id) FROM odograph.calculator_roles r2 JOIN odograph.assignments a USING (calc_id) WHERE r2.role <> 'alarm' GROUP BY 1, 2;
  -- Roles that went, came or read other counters; then devices that are filled by another calculator than before.
  FOR r IN SELECT calc_id, role FROM unnest(old_roles) o FULL JOIN odograph.calculator_roles n USING (calc_id, role) WHERE o.sql IS DISTINCT FROM n.sql LOOP
    PERFORM odograph.refill_role(r.calc_id, r.role);
    done := done || (r.role || ' ' || r.calc_id);
  END LOOP;
  FOR r IN WITH x AS (SELECT role, device_id, o.calc_id AS old_calc, n.calc_id AS new_calc FROM unnest(old_sources) o FULL JOIN odograph.role_sources n USING (role, device_id) WHERE o.calc_id IS DISTINCT FROM n.calc_id)
      SELECT turn, role, calc_id, array_agg(device_id ORDER BY device_id) AS devices FROM (SELECT 0 AS turn, role, old_calc AS calc_id, device_id FROM x UNION ALL SELECT 1, role, new_calc, device_id FROM x) y
      WHERE calc_id IS NOT NULL AND role || ' ' || calc_id <> ALL (done) GROUP BY turn, role, calc_id ORDER BY turn, role, calc_id LOOP
    PERFORM odograph.refill_role(r.calc_id, r.role, r.devices);
  END LOOP;
END $$;

-- ---- the registry: devices, calculators and assignments as staged; p_complete: what is not staged has been deleted.
CREATE OR REPLACE FUNCTION odograph.to_timestamptz(v jsonb) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN COALESCE(odograph.as_timestamp(v), (CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' END)::timestamptz);
EXCEPTION WHEN data_exception THEN RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION odograph.to_number(v jsonb) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN COALESCE(odograph.as_number(v), (CASE WHEN jsonb_typeof(v) = 'string' AND v #>> '{}' ~ '^ *-?[0-9]{1,15}(\.[0-9]{1,15})? *$' THEN v #>> '{}' END)::double precision);
EXCEPTION WHEN data_exception THEN RETURN NULL; -- 1e999
END $$;

-- p_drivers: the drivers of all devices are staged, too; without, a new name drives from now on.
CREATE OR REPLACE FUNCTION odograph.apply_registry(p_revision bigint, p_complete boolean DEFAULT false, p_store text DEFAULT NULL, p_drivers boolean DEFAULT false) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE c record; held bigint; refill bigint[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(920149);
  held := odograph.lock_cursor('registry', (-1)::smallint, p_store);
  IF held > p_revision AND NOT p_complete THEN RETURN false; END IF;
  -- devices
  UPDATE odograph.devices d SET deleted_at = now(), updated_at = now() WHERE deleted_at IS NULL AND (
    EXISTS (SELECT 1 FROM pg_temp.odograph_devices s WHERE s.device_id = d.device_id AND s.is_deleted)
    OR (p_complete AND NOT EXISTS (SELECT 1 FROM pg_temp.odograph_devices s WHERE s.device_id = d.device_id)));
  -- Idents may have changed hands: each is let go of before anybody takes it.
  UPDATE odograph.devices d SET ident = format('%s (was %s)', d.ident, d.device_id) FROM pg_temp.odograph_devices s
    WHERE s.device_id = d.device_id AND NOT s.is_deleted AND s.ident <> d.ident;
  INSERT INTO odograph.devices AS d (device_id, slot, ident, name, revision, json)
  SELECT device_id, slot, ident, name, revision, odograph.parse(COALESCE(json, '{}')) FROM pg_temp.odograph_devices WHERE NOT is_deleted ORDER BY device_id
  ON CONFLICT (device_id) DO UPDATE SET slot = EXCLUDED.slot, ident = EXCLUDED.ident, name = EXCLUDED.name, revision = EXCLUDED.revision, json = EXCLUDED.json, deleted_at = NULL, updated_at = now()
    WHERE (d.slot, d.ident, d.name, d.json, d.deleted_at) IS DISTINCT FROM (EXCLUDED.slot, EXCLUDED.ident, EXCLUDED.name, EXCLUDED.json, NULL);
  PERFORM set_config('odograph.drivers', CASE WHEN p_drivers THEN 'staged' ELSE '' END, true);
  PERFORM odograph.settle_devices();
  IF p_drivers THEN PERFORM odograph.settle_drivers(); END IF;
  PERFORM set_config('odograph.drivers', '', true);
  -- calculators
  FOR c IN SELECT calc_id FROM odograph.calculators k WHERE deleted_at IS NULL AND (
      EXISTS (SELECT 1 FROM pg_temp.odograph_calculators s WHERE s.calc_id = k.calc_id AND s.is_deleted)
      OR (p_complete AND NOT EXISTS (SELECT 1 FROM pg_temp.odograph_calculators s WHERE s.calc_id = k.calc_id))) LOOP
    PERFORM odograph.forget_calculator(c.calc_id);
  END LOOP;
  FOR c IN SELECT calc_id, name, revision, odograph.parse(json) AS json FROM pg_temp.odograph_calculators WHERE NOT is_deleted ORDER BY calc_id LOOP
    IF odograph.declare_calculator(c.calc_id, c.name, c.revision, c.json) AND EXISTS (SELECT 1 FROM odograph.intervals i WHERE i.calc_id = c.calc_id) THEN refill := refill || c.calc_id; END IF;
  END LOOP;
  -- assignments
  DELETE FROM odograph.assignments a WHERE EXISTS (SELECT 1 FROM pg_temp.odograph_assignments s WHERE (s.calc_id, s.device_id) = (a.calc_id, a.device_id) AND s.is_deleted)
    OR (p_complete AND NOT EXISTS (SELECT 1 FROM pg_temp.odograph_assignments s WHERE (s.calc_id, s.device_id) = (a.calc_id, a.device_id)));
  INSERT INTO odograph.assignments AS a (calc_id, device_id, enabled, horizon) SELECT calc_id, device_id, enabled, horizon FROM pg_temp.odograph_assignments WHERE NOT is_deleted ORDER BY device_id, calc_id
  ON CONFLICT (device_id, calc_id) DO UPDATE SET enabled = EXCLUDED.enabled, horizon = EXCLUDED.horizon WHERE (a.enabled, a.horizon) IS DISTINCT FROM (EXCLUDED.enabled, EXCLUDED.horizon);
  PERFORM odograph.settle_roles();
  FOR c IN SELECT DISTINCT unnest(refill) AS calc_id LOOP PERFORM odograph.refill_table(c.calc_id); END LOOP;
  UPDATE odograph.cursors SET position = p_revision, at = now() WHERE name = 'registry' AND slot = -1 AND position IS DISTINCT FROM p_revision;
  RETURN true;
END $$;

-- tracksolid.devices follows odograph.devices. A column follows the metadata of its name while the metadata has it, and
-- goes null when the metadata loses it; a column that the metadata never had is left to whoever set it. What somebody
-- sets here in a column that the metadata has holds until the device's metadata changes.
CREATE OR REPLACE FUNCTION odograph.settle_devices() RETURNS void LANGUAGE plpgsql AS $$
DECLARE c text; sets text := ''; kind text;
BEGIN
  DELETE FROM tracksolid.live_positions l USING odograph.devices d WHERE d.ident = l.imei AND d.deleted_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM odograph.devices o WHERE o.ident = d.ident AND o.deleted_at IS NULL);
  UPDATE tracksolid.devices t SET missing_since = COALESCE(missing_since, now()), device_id = NULL, updated_at = now()
    FROM odograph.devices d WHERE d.device_id = t.device_id AND (d.deleted_at IS NOT NULL OR d.ident <> t.imei);
  INSERT INTO tracksolid.devices (imei, device_id, device_name, raw) SELECT ident, device_id, name, '{}' FROM odograph.devices d WHERE deleted_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM tracksolid.devices t WHERE t.imei = d.ident) ORDER BY ident;
  FOR c, kind IN SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'tracksolid.devices'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND attname NOT IN ('imei', 'device_id', 'device_name', 'raw', 'first_seen_at', 'last_synced_at', 'missing_since', 'updated_at') LOOP
    sets := sets || format(', %1$I = CASE WHEN n.m ? %1$L THEN %2$s WHEN t.raw ? %1$L THEN NULL ELSE t.%1$I END', c, CASE kind
      WHEN 'text' THEN format('left(odograph.as_text(n.m -> %L), 500)', c) WHEN 'timestamp with time zone' THEN format('odograph.to_timestamptz(n.m -> %L)', c)
      WHEN 'smallint' THEN format('(CASE WHEN abs(odograph.to_number(n.m -> %1$L)) < 32000 THEN odograph.to_number(n.m -> %1$L) END)::smallint', c)
      ELSE format('odograph.to_number(n.m -> %L)::%s', c, kind) END);
  END LOOP;
  EXECUTE 'UPDATE tracksolid.devices t SET device_id = n.device_id, device_name = COALESCE(n.m ->> ''device_name'', NULLIF(n.name, '''')), raw = n.m, last_synced_at = now(), missing_since = NULL, updated_at = now()' || sets || '
    FROM (SELECT device_id, ident, name, CASE WHEN jsonb_typeof(json -> ''metadata'') = ''object'' THEN json -> ''metadata'' ELSE ''{}'' END AS m FROM odograph.devices WHERE deleted_at IS NULL) n
    WHERE n.ident = t.imei AND (t.raw IS DISTINCT FROM n.m OR t.device_id IS DISTINCT FROM n.device_id OR t.missing_since IS NOT NULL OR t.last_synced_at IS NULL
       OR t.device_name IS DISTINCT FROM COALESCE(n.m ->> ''device_name'', NULLIF(n.name, '''')))';
END $$;

-- tracksolid.driver_assignments follows the drivers that the engine tells: from the first moment on at which they differ
-- from what it told before. What somebody assigned for a time before that stays.
CREATE OR REPLACE FUNCTION odograph.settle_drivers() RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
  FOR r IN
    WITH told AS (SELECT s.device_id, d.ident, s.from_at, s.name FROM pg_temp.odograph_drivers s JOIN odograph.devices d USING (device_id) WHERE d.deleted_at IS NULL),
    kept AS (SELECT k.device_id, k.ident, k.from_at, k.name FROM odograph.device_drivers k JOIN odograph.devices d USING (device_id, ident) WHERE d.deleted_at IS NULL),
    changed AS (SELECT device_id, min(from_at) AS since FROM ((TABLE told EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE told)) x GROUP BY device_id),
    spans AS (SELECT *, lead(from_at) OVER (PARTITION BY device_id ORDER BY from_at) AS upto FROM told)
    SELECT s.ident, GREATEST(s.from_at, c.since) AS from_at, s.name FROM spans s JOIN changed c USING (device_id) WHERE s.upto IS NULL OR s.upto > c.since ORDER BY s.device_id, s.from_at
  LOOP
    PERFORM tracksolid.assign_driver(r.ident, r.name, r.from_at);
  END LOOP;
  DELETE FROM odograph.device_drivers k WHERE NOT EXISTS (SELECT 1 FROM pg_temp.odograph_drivers s JOIN odograph.devices d USING (device_id)
    WHERE (s.device_id, d.ident, s.from_at) = (k.device_id, k.ident, k.from_at) AND s.name IS NOT DISTINCT FROM k.name AND d.deleted_at IS NULL);
  INSERT INTO odograph.device_drivers (device_id, ident, from_at, name) SELECT s.device_id, d.ident, s.from_at, s.name
    FROM pg_temp.odograph_drivers s JOIN odograph.devices d USING (device_id) WHERE d.deleted_at IS NULL ON CONFLICT DO NOTHING;
END $$;

-- Looks at everything that v_trips shows and mends it: trips against the stored intervals, labels against the registry. False where another does so.
CREATE OR REPLACE FUNCTION reporting.refresh_v_trips(p_worker text DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE id0 bigint; t0 timestamptz := clock_timestamp(); n bigint; r record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(920145) THEN RETURN false; END IF;
  PERFORM pg_advisory_xact_lock(920149); -- no batch of the feed meanwhile: what is read here must not be older than what is there
  INSERT INTO reporting.refresh_log (object_name, worker, started_at) VALUES ('reporting.v_trips', p_worker, t0) RETURNING id INTO id0;
  BEGIN
    DELETE FROM reporting.trips t WHERE NOT EXISTS (SELECT 1 FROM odograph.intervals i WHERE (i.calc_id, i.device_id, i.interval_id) = (t.calc_id, t.device_id, t.interval_id))
      OR NOT EXISTS (SELECT 1 FROM odograph.role_sources s WHERE s.role = 'trips' AND s.device_id = t.device_id AND s.calc_id = t.calc_id);
    FOR r IN SELECT sql FROM odograph.calculator_roles WHERE role = 'trips' LOOP EXECUTE replace(r.sql, '{source}', 'odograph.intervals'); END LOOP;
    SELECT count(*) INTO n FROM reporting.v_trips;
    UPDATE reporting.refresh_log SET ok = true, row_count = n, finished_at = clock_timestamp(), duration_ms = extract(epoch FROM clock_timestamp() - t0) * 1000 WHERE id = id0;
  EXCEPTION WHEN OTHERS THEN
    UPDATE reporting.refresh_log SET ok = false, error = SQLERRM, finished_at = clock_timestamp(), duration_ms = extract(epoch FROM clock_timestamp() - t0) * 1000 WHERE id = id0;
  END;
  RETURN true;
END $$;

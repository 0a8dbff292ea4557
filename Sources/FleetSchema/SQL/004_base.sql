-- The fleet's base tables (spec/fleet.md §2.1), the drivers, the types of alarms.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE TABLE IF NOT EXISTS tracksolid.devices (
  imei text PRIMARY KEY, account text, device_name text, mc_type text, mc_type_use_scope text, sim text, iccid text, imsi text,
  expiration timestamptz, activation_time timestamptz, import_time timestamptz, enabled_flag smallint, status text,
  device_group_id text, device_group text, vehicle_name text, vehicle_icon text, vehicle_number text,
  vehicle_number_norm text GENERATED ALWAYS AS (reporting.normalize_plate(vehicle_number)) STORED,
  vehicle_brand text, vehicle_models text, vin text, engine_number text, driver_name text, driver_phone text,
  fuel_100km numeric, current_mileage_km numeric, cost_centre text, assigned_city text, remark text, raw jsonb,
  first_seen_at timestamptz NOT NULL DEFAULT now(), last_synced_at timestamptz, missing_since timestamptz, updated_at timestamptz NOT NULL DEFAULT now(),
  device_id bigint);
CREATE INDEX IF NOT EXISTS devices_plate ON tracksolid.devices (vehicle_number_norm);
CREATE INDEX IF NOT EXISTS devices_cc ON tracksolid.devices (cost_centre);
CREATE UNIQUE INDEX IF NOT EXISTS devices_device ON tracksolid.devices (device_id);
COMMENT ON COLUMN tracksolid.devices.device_id IS 'The engine''s number of the device.';
COMMENT ON COLUMN tracksolid.devices.cost_centre IS 'From the device''s metadata where it has one, else whatever is set here.';
COMMENT ON COLUMN tracksolid.devices.raw IS 'The device''s metadata in the engine.';

-- Every value has the time it is of, so that any order of batches ends with the same row.
CREATE TABLE IF NOT EXISTS tracksolid.live_positions (
  imei text PRIMARY KEY, gps_time timestamptz, hb_time timestamptz, lat double precision, lng double precision,
  speed_kmh double precision, direction double precision, altitude_m double precision, acc_status smallint, online smallint, pos_type text, gps_num smallint, gps_signal smallint,
  elec_quantity real, power_value real, battery_power_val text, temperature_c real, tracker_oil text,
  current_mileage_km double precision, distance_m double precision, expire_flag smallint, activation_flag smallint, loc_desc text, address text,
  source text NOT NULL DEFAULT 'engine', received_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), raw jsonb,
  fix_rank bigint, acc_time timestamptz, signal_time timestamptz, elec_time timestamptz, power_time timestamptz, battery_time timestamptz,
  temperature_time timestamptz, oil_time timestamptz, mileage_time timestamptz, address_time timestamptz) WITH (fillfactor = 70);
COMMENT ON COLUMN tracksolid.live_positions.fix_rank IS 'Hash of the message that gave the fix: of two with one time the greater wins.';

CREATE TABLE IF NOT EXISTS tracksolid.trips (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, start_time timestamptz NOT NULL, end_time timestamptz,
  start_lat double precision, start_lng double precision, end_lat double precision, end_lng double precision, start_address text, end_address text,
  distance_km double precision, distance_raw double precision, distance_unit text, duration_s integer, idle_s integer,
  avg_speed_kmh real, max_speed_kmh real, fuel_l real, oil_wear_l100 real, start_mileage_km double precision, end_mileage_km double precision,
  source text NOT NULL, ingested_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), raw jsonb, UNIQUE (imei, start_time));
CREATE INDEX IF NOT EXISTS trips_start ON tracksolid.trips (start_time);
COMMENT ON TABLE tracksolid.trips IS 'Trips as the provider reports them, to be compared. The engine''s are in reporting.trips.';

CREATE TABLE IF NOT EXISTS tracksolid.alarms (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, alarm_type text NOT NULL, alarm_name text, alarm_time timestamptz NOT NULL,
  positioning_time timestamptz, lat double precision, lng double precision, speed_kmh double precision, geoid text, account text, model text, severity text,
  source text NOT NULL, received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, end_time timestamptz,
  day_start timestamptz NOT NULL, driver_name text NOT NULL, calc_id bigint, device_id bigint, interval_id bigint);
CREATE UNIQUE INDEX IF NOT EXISTS alarms_key ON tracksolid.alarms (imei, alarm_type, alarm_time) WHERE calc_id IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS alarms_interval ON tracksolid.alarms (calc_id, device_id, interval_id) WHERE calc_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS alarms_time ON tracksolid.alarms (alarm_time);
CREATE INDEX IF NOT EXISTS alarms_day ON tracksolid.alarms (day_start);
CREATE INDEX IF NOT EXISTS alarms_imei ON tracksolid.alarms (imei, alarm_time);
COMMENT ON COLUMN tracksolid.alarms.source IS 'engine (a message), calculator (an interval: calc_id, device_id, interval_id), poll, push_openapi, push_hub';

CREATE TABLE IF NOT EXISTS tracksolid.ingestion_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job text NOT NULL, method text, account text,
  started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz, duration_ms integer, ok boolean, http_status smallint, api_code integer, message text,
  requests integer DEFAULT 0, rows_in integer DEFAULT 0, rows_written integer DEFAULT 0, rows_duplicate integer DEFAULT 0, rows_rejected integer DEFAULT 0,
  window_from timestamptz, window_to timestamptz, detail jsonb, minute timestamptz);
CREATE INDEX IF NOT EXISTS ingestion_log_job ON tracksolid.ingestion_log (job, started_at DESC);
CREATE UNIQUE INDEX IF NOT EXISTS ingestion_log_minute ON tracksolid.ingestion_log (job, minute);

CREATE TABLE IF NOT EXISTS tracksolid.api_token_cache (
  account text PRIMARY KEY, base_url text NOT NULL, app_key_id text NOT NULL, access_token text NOT NULL, refresh_token text, expires_at timestamptz NOT NULL,
  obtained_at timestamptz NOT NULL DEFAULT now(), failures integer NOT NULL DEFAULT 0, blocked_until timestamptz);
CREATE TABLE IF NOT EXISTS tracksolid.device_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, event_type text NOT NULL, gate_time timestamptz NOT NULL, timezone text, content text,
  received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, UNIQUE (imei, event_type, gate_time));
CREATE TABLE IF NOT EXISTS tracksolid.fault_codes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, fault_code text NOT NULL, fault_detail text, event_time timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, UNIQUE (imei, fault_code, event_time));
CREATE TABLE IF NOT EXISTS tracksolid.obd_readings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, report_time timestamptz NOT NULL, odometer_km double precision,
  device_mileage_km double precision, fuel_l real, fuel_pct real, coolant_c real, voltage real, rpm real, speed_kmh real, vin text,
  received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, UNIQUE (imei, report_time));
CREATE TABLE IF NOT EXISTS tracksolid.parking_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, kind text NOT NULL CHECK (kind IN ('parking', 'idling')),
  start_time timestamptz NOT NULL, end_time timestamptz, dur_s integer, stop_s integer, lat double precision, lng double precision, address text, acc text, mc_type text,
  received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, source text NOT NULL DEFAULT 'engine', is_active boolean NOT NULL DEFAULT false,
  calc_id bigint, device_id bigint, interval_id bigint);
CREATE UNIQUE INDEX IF NOT EXISTS parking_key ON tracksolid.parking_events (imei, kind, start_time) WHERE calc_id IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS parking_interval ON tracksolid.parking_events (calc_id, device_id, interval_id) WHERE calc_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS parking_start ON tracksolid.parking_events (start_time);
CREATE INDEX IF NOT EXISTS parking_imei ON tracksolid.parking_events (imei, start_time);
CREATE TABLE IF NOT EXISTS tracksolid.lbs_readings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, gate_time timestamptz NOT NULL, post_type text, mcc integer, mnc integer,
  cells jsonb, wifi jsonb, lat double precision, lng double precision, accuracy real, received_at timestamptz NOT NULL DEFAULT now(), raw jsonb,
  UNIQUE (imei, gate_time, post_type));
CREATE TABLE IF NOT EXISTS tracksolid.geofences (
  fence_id text PRIMARY KEY, account text, fence_name text, fence_type text CHECK (fence_type IN ('circle', 'polygon')), fence_color text,
  coordinates jsonb NOT NULL, radius_m real, description text, imeis text[] NOT NULL DEFAULT '{}', alert_types text[] NOT NULL DEFAULT '{}',
  stay_time_in integer, stay_time_out integer, updated_at timestamptz NOT NULL DEFAULT now(), raw jsonb);

-- Who drove a vehicle from when to when. Rows of one vehicle never overlap.
CREATE TABLE IF NOT EXISTS tracksolid.driver_assignments (
  imei text NOT NULL, driver_name text NOT NULL, valid_from timestamptz NOT NULL DEFAULT '-infinity', valid_to timestamptz NOT NULL DEFAULT 'infinity',
  note text, PRIMARY KEY (imei, valid_from), CHECK (valid_from < valid_to), CHECK (btrim(driver_name) <> ''));
-- Cards and keys: a driver that a trip names itself counts before any assignment, once the key is known here.
CREATE TABLE IF NOT EXISTS tracksolid.driver_keys (driver_key text PRIMARY KEY, driver_name text NOT NULL CHECK (btrim(driver_name) <> ''));

CREATE OR REPLACE FUNCTION odograph.check_driver_overlap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(920147, hashtext(NEW.imei));
  IF EXISTS (SELECT 1 FROM tracksolid.driver_assignments a WHERE a.imei = NEW.imei AND a.valid_from < NEW.valid_to AND NEW.valid_from < a.valid_to AND a.valid_from <> NEW.valid_from) THEN
    RAISE EXCEPTION 'vehicle % has another driver in that time: use tracksolid.assign_driver()', NEW.imei USING ERRCODE = 'exclusion_violation';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS driver_overlap ON tracksolid.driver_assignments;
CREATE CONSTRAINT TRIGGER driver_overlap AFTER INSERT OR UPDATE ON tracksolid.driver_assignments DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION odograph.check_driver_overlap();

-- The driver of a vehicle over a time, whatever was there before; a driver that is null or blank: nobody.
CREATE OR REPLACE FUNCTION tracksolid.assign_driver(p_imei text, p_driver text, p_from timestamptz DEFAULT now(), p_to timestamptz DEFAULT 'infinity') RETURNS void LANGUAGE plpgsql AS $$
DECLARE later tracksolid.driver_assignments;
BEGIN
  IF p_from >= p_to THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(920147, hashtext(p_imei));
  IF EXISTS (SELECT 1 FROM tracksolid.driver_assignments WHERE imei = p_imei AND driver_name = btrim(p_driver) AND valid_from <= p_from AND valid_to >= p_to) THEN RETURN; END IF;
  SELECT * INTO later FROM tracksolid.driver_assignments WHERE imei = p_imei AND valid_from < p_to AND valid_to > p_to;
  DELETE FROM tracksolid.driver_assignments WHERE imei = p_imei AND valid_from >= p_from AND valid_from < p_to;
  UPDATE tracksolid.driver_assignments SET valid_to = p_from WHERE imei = p_imei AND valid_from < p_from AND valid_to > p_from;
  IF later.imei IS NOT NULL THEN
    INSERT INTO tracksolid.driver_assignments VALUES (p_imei, later.driver_name, p_to, later.valid_to, later.note);
  END IF;
  IF btrim(COALESCE(p_driver, '')) <> '' THEN
    INSERT INTO tracksolid.driver_assignments (imei, driver_name, valid_from, valid_to) VALUES (p_imei, btrim(p_driver), p_from, p_to);
  END IF;
END $$;
CREATE OR REPLACE FUNCTION tracksolid.driver_at(p_imei text, p_at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT driver_name FROM tracksolid.driver_assignments WHERE imei = p_imei AND valid_from <= p_at AND valid_to > p_at $$;

-- A new name in the registry is a new driver from now on; the first one counts for the time before, too.
CREATE OR REPLACE FUNCTION odograph.follow_driver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('odograph.drivers', true) = 'staged' THEN RETURN NULL; END IF; -- the engine tells the moments itself: settle_drivers()
  IF TG_OP = 'INSERT' OR NEW.driver_name IS DISTINCT FROM OLD.driver_name THEN
    IF EXISTS (SELECT 1 FROM tracksolid.driver_assignments WHERE imei = NEW.imei) THEN
      PERFORM tracksolid.assign_driver(NEW.imei, NEW.driver_name, clock_timestamp());
    ELSIF TG_OP = 'INSERT' OR btrim(COALESCE(OLD.driver_name, '')) = '' THEN
      PERFORM tracksolid.assign_driver(NEW.imei, NEW.driver_name, '-infinity');
    END IF;
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS devices_driver ON tracksolid.devices;
CREATE TRIGGER devices_driver AFTER INSERT OR UPDATE ON tracksolid.devices FOR EACH ROW EXECUTE FUNCTION odograph.follow_driver();

CREATE TABLE IF NOT EXISTS tracksolid.alarm_types (
  alarm_type text PRIMARY KEY, alarm_name text NOT NULL, severity text NOT NULL DEFAULT 'info' CHECK (severity IN ('critical', 'warning', 'info')),
  category text CHECK (category IN ('speeding', 'harsh')));
COMMENT ON TABLE tracksolid.alarm_types IS 'Names and weights of alarms; rows may be added and changed. category counts in v_driver_aggregates_daily.';
INSERT INTO tracksolid.alarm_types (alarm_type, alarm_name, severity, category) VALUES
 ('1', 'SOS alert', 'critical', NULL),
 ('2', 'Power cut off alert', 'critical', NULL),
 ('3', 'Vibration alert', 'info', NULL),
 ('4', 'Enter geo-fence(terminal)', 'info', NULL),
 ('5', 'Exit geo-fence(terminal)', 'info', NULL),
 ('6', 'Overspeed alert(terminal)', 'warning', 'speeding'),
 ('9', 'Displacement alert(terminal)', 'info', NULL),
 ('10', 'Enter GPS blind zone alert', 'info', NULL),
 ('11', 'Exit GPS blind zone alert', 'info', NULL),
 ('12', 'Booting notification', 'info', NULL),
 ('13', 'GPS first fix notification', 'info', NULL),
 ('14', 'Low external power alert', 'warning', NULL),
 ('15', 'Low power protection alert', 'info', NULL),
 ('16', 'Sim card change alert', 'info', NULL),
 ('17', 'Power off alert', 'info', NULL),
 ('18', 'Airplane mode after low power protection', 'info', NULL),
 ('19', 'Disassembly alert', 'critical', NULL),
 ('20', 'Door detection alert', 'info', NULL),
 ('21', 'Battery low power shutdown', 'warning', NULL),
 ('22', 'Voice alarm', 'info', NULL),
 ('24', 'Cover Move Alert', 'info', NULL),
 ('25', 'Internal low battery alert', 'warning', NULL),
 ('28', 'Door open alert', 'info', NULL),
 ('29', 'Door close alert', 'info', NULL),
 ('35', 'Fall Alert', 'info', NULL),
 ('36', 'Plug in charger', 'info', NULL),
 ('39', 'Unauthorized Open Alert', 'info', NULL),
 ('40', 'Initiative Offline(Power Off) Alert', 'info', NULL),
 ('41', 'Sudden Acceleration Alert', 'warning', 'harsh'),
 ('42', 'Sharp Turn Left Alert', 'warning', 'harsh'),
 ('43', 'Sharp Turn Right Alert', 'warning', 'harsh'),
 ('44', 'Collision Alert', 'critical', 'harsh'),
 ('45', 'Vehicle Turn Over Alarm', 'critical', NULL),
 ('48', 'Sudden Deceleration Alert', 'warning', 'harsh'),
 ('50', 'Device Pull Out Alarm', 'critical', NULL),
 ('55', 'Collision Alert', 'critical', 'harsh'),
 ('58', 'Cancel Notification for Unauthorized Open Alert', 'info', NULL),
 ('71', 'Fatigue driving alert', 'warning', NULL),
 ('76', 'Sharp turn alarm', 'warning', 'harsh'),
 ('77', 'Abrupt lane switching alarm', 'warning', 'harsh'),
 ('78', 'Vehicle stability', 'info', NULL),
 ('79', 'Vehicle angle abnormality', 'info', NULL),
 ('80', 'Door close alert', 'info', NULL),
 ('81', 'Door open alert', 'info', NULL),
 ('82', 'Temperature Alert', 'warning', NULL),
 ('83', 'Stealing oil alarm', 'critical', NULL),
 ('86', 'Start charging', 'info', NULL),
 ('87', 'Stop charging/remove charger', 'info', NULL),
 ('89', 'full of reminders', 'info', NULL),
 ('90', 'Low battery alert', 'warning', NULL),
 ('91', 'High Temperature Alert(terminal)', 'warning', NULL),
 ('92', 'Low Temperature Alert(terminal)', 'warning', NULL),
 ('100', 'Cancel Notification for Temperature Alert', 'info', NULL),
 ('101', 'Cancel Notification for Collision Alert', 'info', NULL),
 ('113', 'Increase in oil level', 'info', NULL),
 ('114', 'Install alert', 'info', NULL),
 ('115', 'Oil Sence Timeout', 'info', NULL),
 ('119', 'High voltage at ADC1', 'info', NULL),
 ('120', 'Low voltage at ADC1', 'info', NULL),
 ('126', 'High humidity', 'info', NULL),
 ('127', 'Low humidity', 'info', NULL),
 ('128', 'DVR vibration alert', 'info', NULL),
 ('135', 'Overspeed alert(DVR)', 'warning', 'speeding'),
 ('136', 'Power off alert(DVR)', 'info', NULL),
 ('138', 'Immobilization ON', 'info', NULL),
 ('139', 'Immobilization OFF', 'info', NULL),
 ('140', 'Close eyes Alert', 'warning', NULL),
 ('141', 'Switch Land Transport Mode Alarm', 'info', NULL),
 ('142', 'Environmental Anomaly Alarm', 'info', NULL),
 ('143', 'Distraction Alert', 'warning', NULL),
 ('144', 'Sudden Acceleration Alert(DVR)', 'warning', 'harsh'),
 ('145', 'Sudden Deceleration Alert(DVR)', 'warning', 'harsh'),
 ('146', 'Sharp Turn Alert(DVR)', 'warning', 'harsh'),
 ('147', 'Collision Alert(DVR)', 'critical', 'harsh'),
 ('148', 'No Face Alert', 'info', NULL),
 ('149', 'Switch Ocean Transport Mode Alarm', 'info', NULL),
 ('150', 'Switch Static Transport Mode Alarm', 'info', NULL),
 ('151', 'Phone Calling Alert', 'warning', NULL),
 ('154', 'Smoking Alert', 'warning', NULL),
 ('160', 'Yawn Alert', 'warning', NULL),
 ('163', 'Head lowered', 'warning', NULL),
 ('165', 'RFID reporting event', 'info', NULL),
 ('168', 'Engine failure', 'warning', NULL),
 ('169', 'Undervoltage', 'warning', NULL),
 ('170', 'Drinking', 'warning', NULL),
 ('171', 'Light detected alert', 'info', NULL),
 ('172', 'Bluetooth MAC searched', 'info', NULL),
 ('173', 'Bluetooth MAC lost', 'info', NULL),
 ('191', 'Device Plug-out Alert', 'critical', NULL),
 ('197', 'Engine ON', 'info', NULL),
 ('198', 'Engine OFF', 'info', NULL),
 ('199', 'Overtime driving alert', 'info', NULL),
 ('202', 'overspeed warning', 'warning', 'speeding'),
 ('203', 'Overtime parking warning', 'info', NULL),
 ('204', 'Forward collision warning', 'info', NULL),
 ('205', 'Lane departure warning', 'info', NULL),
 ('206', 'Vehicle too close warning', 'info', NULL),
 ('207', 'pedestrian collision warning', 'info', NULL),
 ('208', 'DMS fatigue warning', 'warning', NULL),
 ('224', 'Device Plug-in Alert', 'info', NULL),
 ('227', 'Overheating', 'warning', NULL),
 ('230', 'INPUT1 was activated', 'info', NULL),
 ('231', 'INPUT1 was deactivated', 'info', NULL),
 ('232', 'INPUT2 was activated', 'info', NULL),
 ('233', 'INPUT2 was deactivated', 'info', NULL),
 ('254', 'Ignition on', 'info', NULL),
 ('256', 'Fence entry alarm (Bluetooth)', 'info', NULL),
 ('257', 'Exit fence alarm (Bluetooth)', 'info', NULL),
 ('258', 'Fence entry alarm (WIFI)', 'info', NULL),
 ('259', 'Exit fence alarm (WIFI)', 'info', NULL),
 ('260', 'long periods of stillness', 'info', NULL),
 ('261', 'Start exercise reminder', 'info', NULL),
 ('262', 'Stop exercise reminder', 'info', NULL),
 ('263', 'LTE Jamming Detected', 'critical', NULL),
 ('266', 'LTE Jamming Ended', 'info', NULL),
 ('267', 'GPS Jamming Detected', 'critical', NULL),
 ('268', 'GPS Jamming Ended', 'info', NULL),
 ('ACC_OFF', 'ACC OFF', 'info', NULL),
 ('ACC_ON', 'ACC ON', 'info', NULL),
 ('burglarStatus_0', 'Disarm', 'info', NULL),
 ('burglarStatus_1', 'Arm', 'info', NULL),
 ('burglarStatus_2', 'Alert', 'info', NULL),
 ('carFault', 'Vehicle fault alert', 'warning', NULL),
 ('displacementAlarm', 'Night Driving Alert', 'info', NULL),
 ('DMSAlert', 'DMS Alert', 'info', NULL),
 ('drivingBehaviorAlert', 'Driving Behavior Alert', 'info', NULL),
 ('drivingBehaviorAlertDVR', 'Driving Behavior Alert(DVR)', 'info', NULL),
 ('fenceOverspeed', 'Fence Overspeed alert', 'warning', 'speeding'),
 ('geozone', 'Geo-fence alert', 'info', NULL),
 ('high_temp_alarm', 'High Temperature Alert(platform)', 'info', NULL),
 ('in', 'Enter geo-fence', 'info', NULL),
 ('laneshift', 'Route Deviation Alert', 'info', NULL),
 ('low_temp_alarm', 'Low Temperature Alert(platform)', 'info', NULL),
 ('mileageAlarm', 'Maintenance alert', 'info', NULL),
 ('obd', 'OBD alert', 'warning', NULL),
 ('offline', 'Offline alert', 'info', NULL),
 ('other', 'Other alerts', 'info', NULL),
 ('out', 'Exit geo-fence', 'info', NULL),
 ('overSpeed', 'Overspeed alert(platform)', 'warning', 'speeding'),
 ('sensitiveAreasFence', 'Sensitive areas fence', 'info', NULL),
 ('statusLeftFrontDoors_0', 'Left front door close', 'info', NULL),
 ('statusLeftFrontDoors_1', 'Left front door open', 'info', NULL),
 ('statusLeftFrontWindows_0', 'Left front window close', 'info', NULL),
 ('statusLeftFrontWindows_1', 'Left front window open', 'info', NULL),
 ('statusLeftRearWindows_0', 'Left rear door close', 'info', NULL),
 ('statusLeftRearWindows_1', 'Left rear door open', 'info', NULL),
 ('statusRightFrontDoors_0', 'Right front door close', 'info', NULL),
 ('statusRightFrontDoors_1', 'Right front door open', 'info', NULL),
 ('statusRightFrontWindows_0', 'Right front window close', 'info', NULL),
 ('statusRightFrontWindows_1', 'Right front window open', 'info', NULL),
 ('statusRightRearDoors_0', 'Right rear door close', 'info', NULL),
 ('statusRightRearDoors_1', 'Right rear door open', 'info', NULL),
 ('statusRightRearWindows_0', 'Right rear window close', 'info', NULL),
 ('statusRightRearWindows_1', 'Right rear window open', 'info', NULL),
 ('statusTrunk_0', 'Trunk close', 'info', NULL),
 ('statusTrunk_1', 'Trunk open', 'info', NULL),
 ('stayAlert', 'Parking alert', 'info', NULL),
 ('stayAlertOn', 'Idling alert', 'info', NULL),
 ('stayTimeIn', 'Long time not enter the Geo-fence', 'info', NULL),
 ('stayTimeOut', 'Long time not exit the Geo-fence', 'info', NULL),
 ('ubiAcce', 'Harsh acceleration', 'warning', 'harsh'),
 ('ubiColl', 'Collision', 'critical', 'harsh'),
 ('ubiDece', 'Harsh braking', 'warning', 'harsh'),
 ('ubiLane', 'Sudden lane change', 'warning', 'harsh'),
 ('ubiRoll', 'Rollover', 'critical', NULL),
 ('ubiSatt', 'Roll and pitch', 'warning', NULL),
 ('ubiStab', 'Skidding', 'warning', NULL),
 ('ubiTurn', 'Harsh cornering', 'warning', 'harsh'),
 ('harsh.braking', 'Harsh braking', 'warning', 'harsh'),
 ('harsh.acceleration', 'Harsh acceleration', 'warning', 'harsh'),
 ('harsh.cornering', 'Harsh cornering', 'warning', 'harsh')
ON CONFLICT DO NOTHING;

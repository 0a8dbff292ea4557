-- From the engine's message log: position_history, live_positions, alarms.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE OR REPLACE FUNCTION odograph.note_ingested(p_job text, p_started timestamptz, p_in bigint, p_written bigint, p_duplicate bigint, p_rejected bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO tracksolid.ingestion_log AS l (job, method, started_at, finished_at, duration_ms, ok, requests, rows_in, rows_written, rows_duplicate, rows_rejected, minute)
  VALUES (p_job, 'engine', p_started, clock_timestamp(), extract(epoch FROM clock_timestamp() - p_started) * 1000, true, 1, p_in, p_written, p_duplicate, p_rejected, date_trunc('minute', p_started))
  ON CONFLICT (job, minute) DO UPDATE SET finished_at = EXCLUDED.finished_at, duration_ms = l.duration_ms + EXCLUDED.duration_ms, requests = l.requests + 1, rows_in = l.rows_in + EXCLUDED.rows_in,
    rows_written = l.rows_written + EXCLUDED.rows_written, rows_duplicate = l.rows_duplicate + EXCLUDED.rows_duplicate, rows_rejected = l.rows_rejected + EXCLUDED.rows_rejected
$$;

-- The messages at the positions (p_from, p_upto] of the log, staged in odograph_messages, in any number of devices. Call it
-- in the transaction of the COPY, and at least once a minute, with p_from = p_upto and nothing staged where nothing came:
-- v_ingestion_health reads when it was called last.
CREATE OR REPLACE FUNCTION odograph.apply_messages(p_from bigint, p_upto bigint, p_store text DEFAULT NULL,
  OUT taken bigint, OUT written bigint, OUT rejected bigint, OUT live bigint, OUT alarms bigint) LANGUAGE plpgsql AS $$
DECLARE
  held bigint; started timestamptz := clock_timestamp(); n bigint; week timestamptz; round integer; rounds integer;
  latest timestamptz := now() + make_interval(secs => COALESCE(reporting.setting('future_s'), '600')::integer);
BEGIN
  taken := 0; written := 0; rejected := 0; live := 0; alarms := 0;
  held := odograph.lock_cursor('messages', (-1)::smallint, p_store);
  IF held < p_from THEN RAISE EXCEPTION 'the log from % to % was passed over', held, p_from USING ERRCODE = 'OG001'; END IF; -- read the cursor anew
  DELETE FROM pg_temp.odograph_messages WHERE position BETWEEN 1 AND held OR position > p_upto; -- 0: of the archive
  SELECT count(*) INTO taken FROM pg_temp.odograph_messages;
  IF taken > 0 THEN
    -- What lies ahead of the clock would freeze the vehicle where it is.
    WITH gone AS (DELETE FROM pg_temp.odograph_messages WHERE at > latest RETURNING device_id, at)
    INSERT INTO odograph.refused (sink, key, reason, content) SELECT 'messages', device_id::text, 'ahead of the clock', format('%s messages, the last at %s', count(*), max(at)) FROM gone GROUP BY device_id ON CONFLICT DO NOTHING;
    DELETE FROM pg_temp.odograph_messages m WHERE NOT EXISTS (SELECT 1 FROM odograph.devices d WHERE d.device_id = m.device_id AND d.deleted_at IS NULL);
    SELECT taken - count(*) INTO rejected FROM pg_temp.odograph_messages;

    IF reporting.setting('storage') = 'plain' THEN
      FOR week IN SELECT DISTINCT date_bin('7 days', at, '1970-01-05 00:00+00') FROM pg_temp.odograph_messages WHERE at > now() - interval '10 years' LOOP
        IF to_regclass('tracksolid.position_history_p' || to_char(week AT TIME ZONE 'UTC', 'YYYYMMDD')) IS NULL THEN
          BEGIN
            PERFORM tracksolid.ensure_partitions('tracksolid.position_history'::regclass, week, week + interval '1 second');
          EXCEPTION WHEN lock_not_available THEN NULL; -- the rows wait in DEFAULT and move another time
          END;
        END IF;
      END LOOP;
    END IF;

    -- Payloads of one time come one after the other, so that the greater hash overrides and fills, whatever the order.
    SELECT COALESCE(max(c), 0) INTO rounds FROM (SELECT count(*) AS c FROM pg_temp.odograph_messages GROUP BY device_id, at) x;
    FOR round IN 1..LEAST(rounds, 16) LOOP
      INSERT INTO tracksolid.position_history AS p (imei, gps_time, lat, lng, speed_kmh, direction, acc_status, pos_type, satellites, altitude_m, mileage_km, gps_mode, source, flags, received_at, rank)
      SELECT d.ident, m.at, m.lat, m.lng, CASE WHEN m.speed_kmh >= 0 AND m.speed_kmh < 10000 THEN m.speed_kmh END, CASE WHEN m.direction >= 0 AND m.direction <= 360 THEN m.direction END, m.acc::int::smallint,
             CASE m.pos_type WHEN 'LBS' THEN 2 WHEN 'WIFI' THEN 3 ELSE 1 END, CASE WHEN m.satellites BETWEEN 0 AND 999 THEN m.satellites::smallint END,
             CASE WHEN abs(m.altitude_m) < 100000 THEN m.altitude_m::real END, CASE WHEN abs(m.mileage_km) < 1e9 THEN m.mileage_km END, m.gps_mode, 'engine', CASE m.pos_type WHEN 'LBS' THEN 16 ELSE 0 END, m.received_at, m.rank
      FROM (SELECT *, CASE WHEN rounds = 1 THEN 1 ELSE row_number() OVER (PARTITION BY device_id, at ORDER BY rank, position, number) END AS turn FROM pg_temp.odograph_messages
            WHERE lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180 AND NOT (lat = 0 AND lng = 0)) m JOIN odograph.devices d USING (device_id)
      WHERE m.turn = round ORDER BY d.ident, m.at
      ON CONFLICT (imei, gps_time) DO UPDATE SET
        lat = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN EXCLUDED.lat ELSE p.lat END,
        lng = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN EXCLUDED.lng ELSE p.lng END,
        speed_kmh = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN COALESCE(EXCLUDED.speed_kmh, p.speed_kmh) ELSE COALESCE(p.speed_kmh, EXCLUDED.speed_kmh) END,
        direction = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN COALESCE(EXCLUDED.direction, p.direction) ELSE COALESCE(p.direction, EXCLUDED.direction) END,
        acc_status = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN COALESCE(EXCLUDED.acc_status, p.acc_status) ELSE COALESCE(p.acc_status, EXCLUDED.acc_status) END,
        satellites = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN COALESCE(EXCLUDED.satellites, p.satellites) ELSE COALESCE(p.satellites, EXCLUDED.satellites) END,
        altitude_m = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN COALESCE(EXCLUDED.altitude_m, p.altitude_m) ELSE COALESCE(p.altitude_m, EXCLUDED.altitude_m) END,
        mileage_km = CASE WHEN EXCLUDED.rank > p.rank OR p.rank IS NULL THEN COALESCE(EXCLUDED.mileage_km, p.mileage_km) ELSE COALESCE(p.mileage_km, EXCLUDED.mileage_km) END,
        source = 'engine', rank = GREATEST(p.rank, EXCLUDED.rank)
      WHERE p.rank IS DISTINCT FROM EXCLUDED.rank;
      GET DIAGNOSTICS n = ROW_COUNT; written := written + n;
    END LOOP;

    -- The live row: the newest fix, and of every other value the newest there is; equal times go by the greater.
    WITH m AS (SELECT d.ident AS imei, m.*, extract(epoch FROM m.at)::double precision AS t FROM pg_temp.odograph_messages m JOIN odograph.devices d USING (device_id)),
    fix AS (SELECT DISTINCT ON (imei) imei, at, rank, lat, lng, CASE WHEN speed_kmh >= 0 AND speed_kmh < 10000 THEN speed_kmh END AS speed_kmh, CASE WHEN direction >= 0 AND direction <= 360 THEN direction END AS direction,
              CASE WHEN abs(altitude_m) < 100000 THEN altitude_m END AS altitude_m, COALESCE(pos_type, 'GPS') AS pos_type, CASE WHEN satellites BETWEEN 0 AND 999 THEN satellites::smallint END AS gps_num, received_at
            FROM m WHERE lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180 AND NOT (lat = 0 AND lng = 0) ORDER BY imei, at DESC, rank DESC),
    v AS (SELECT imei, max(at) AS hb_time, max(received_at) AS received_at, max(ARRAY[t, acc::int]) FILTER (WHERE acc IS NOT NULL) AS acc, max(ARRAY[t, gsm_signal]) FILTER (WHERE gsm_signal BETWEEN 0 AND 999) AS signal,
             max(ARRAY[t, battery_pct]) FILTER (WHERE battery_pct BETWEEN 0 AND 1000) AS elec, max(ARRAY[t, power_v]) FILTER (WHERE power_v BETWEEN -1000 AND 100000) AS power, max(ARRAY[t, battery_v]) FILTER (WHERE battery_v BETWEEN -1000 AND 100000) AS battery,
             max(ARRAY[t, temperature_c]) FILTER (WHERE temperature_c BETWEEN -300 AND 5000) AS temperature, max(ARRAY[t, fuel]) FILTER (WHERE abs(fuel) < 1e9) AS oil, max(ARRAY[t, mileage_km]) FILTER (WHERE abs(mileage_km) < 1e9) AS mileage,
             (max(ARRAY[to_char(at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS'), address]) FILTER (WHERE address IS NOT NULL))[2] AS address, max(at) FILTER (WHERE address IS NOT NULL) AS address_time FROM m GROUP BY imei)
    INSERT INTO tracksolid.live_positions AS l (imei, hb_time, received_at, source, gps_time, fix_rank, lat, lng, speed_kmh, direction, altitude_m, pos_type, gps_num, acc_status, acc_time, gps_signal, signal_time,
      elec_quantity, elec_time, power_value, power_time, battery_power_val, battery_time, temperature_c, temperature_time, tracker_oil, oil_time, current_mileage_km, mileage_time, address, address_time)
    SELECT imei, v.hb_time, v.received_at, 'engine', f.at, f.rank, f.lat, f.lng, f.speed_kmh, f.direction, f.altitude_m, f.pos_type, f.gps_num, v.acc[2]::smallint, to_timestamp(v.acc[1]), v.signal[2]::smallint, to_timestamp(v.signal[1]),
      v.elec[2]::real, to_timestamp(v.elec[1]), v.power[2]::real, to_timestamp(v.power[1]), v.battery[2]::text, to_timestamp(v.battery[1]), v.temperature[2]::real, to_timestamp(v.temperature[1]),
      v.oil[2]::text, to_timestamp(v.oil[1]), v.mileage[2], to_timestamp(v.mileage[1]), v.address, v.address_time
    FROM v LEFT JOIN fix f USING (imei) ORDER BY imei
    ON CONFLICT (imei) DO UPDATE SET
      hb_time = GREATEST(l.hb_time, EXCLUDED.hb_time), received_at = GREATEST(l.received_at, EXCLUDED.received_at), source = 'engine', updated_at = now(),
      (gps_time, fix_rank, lat, lng, speed_kmh, direction, altitude_m, pos_type, gps_num) = (SELECT x.* FROM (VALUES
         (EXCLUDED.gps_time, EXCLUDED.fix_rank, EXCLUDED.lat, EXCLUDED.lng, EXCLUDED.speed_kmh, EXCLUDED.direction, EXCLUDED.altitude_m, EXCLUDED.pos_type, EXCLUDED.gps_num),
         (l.gps_time, l.fix_rank, l.lat, l.lng, l.speed_kmh, l.direction, l.altitude_m, l.pos_type, l.gps_num)) x ORDER BY x.column1 DESC NULLS LAST, x.column2 DESC NULLS LAST LIMIT 1),
      acc_status = CASE WHEN l.acc_time IS NULL OR (EXCLUDED.acc_time, EXCLUDED.acc_status) > (l.acc_time, l.acc_status) THEN EXCLUDED.acc_status ELSE l.acc_status END, acc_time = GREATEST(l.acc_time, EXCLUDED.acc_time),
      gps_signal = CASE WHEN l.signal_time IS NULL OR (EXCLUDED.signal_time, EXCLUDED.gps_signal) > (l.signal_time, l.gps_signal) THEN EXCLUDED.gps_signal ELSE l.gps_signal END, signal_time = GREATEST(l.signal_time, EXCLUDED.signal_time),
      elec_quantity = CASE WHEN l.elec_time IS NULL OR (EXCLUDED.elec_time, EXCLUDED.elec_quantity) > (l.elec_time, l.elec_quantity) THEN EXCLUDED.elec_quantity ELSE l.elec_quantity END, elec_time = GREATEST(l.elec_time, EXCLUDED.elec_time),
      power_value = CASE WHEN l.power_time IS NULL OR (EXCLUDED.power_time, EXCLUDED.power_value) > (l.power_time, l.power_value) THEN EXCLUDED.power_value ELSE l.power_value END, power_time = GREATEST(l.power_time, EXCLUDED.power_time),
      battery_power_val = CASE WHEN l.battery_time IS NULL OR (EXCLUDED.battery_time, EXCLUDED.battery_power_val) > (l.battery_time, l.battery_power_val) THEN EXCLUDED.battery_power_val ELSE l.battery_power_val END, battery_time = GREATEST(l.battery_time, EXCLUDED.battery_time),
      temperature_c = CASE WHEN l.temperature_time IS NULL OR (EXCLUDED.temperature_time, EXCLUDED.temperature_c) > (l.temperature_time, l.temperature_c) THEN EXCLUDED.temperature_c ELSE l.temperature_c END, temperature_time = GREATEST(l.temperature_time, EXCLUDED.temperature_time),
      tracker_oil = CASE WHEN l.oil_time IS NULL OR (EXCLUDED.oil_time, EXCLUDED.tracker_oil) > (l.oil_time, l.tracker_oil) THEN EXCLUDED.tracker_oil ELSE l.tracker_oil END, oil_time = GREATEST(l.oil_time, EXCLUDED.oil_time),
      current_mileage_km = CASE WHEN l.mileage_time IS NULL OR (EXCLUDED.mileage_time, EXCLUDED.current_mileage_km) > (l.mileage_time, l.current_mileage_km) THEN EXCLUDED.current_mileage_km ELSE l.current_mileage_km END, mileage_time = GREATEST(l.mileage_time, EXCLUDED.mileage_time),
      address = CASE WHEN l.address_time IS NULL OR (EXCLUDED.address_time, EXCLUDED.address) > (l.address_time, l.address) THEN EXCLUDED.address ELSE l.address END, address_time = GREATEST(l.address_time, EXCLUDED.address_time)
    -- Nothing of an older batch changes anything: then the row is not written.
    WHERE EXCLUDED.hb_time > l.hb_time OR l.hb_time IS NULL OR l.gps_time IS NULL AND EXCLUDED.gps_time IS NOT NULL OR (EXCLUDED.gps_time, EXCLUDED.fix_rank) > (l.gps_time, l.fix_rank)
      OR EXCLUDED.acc_time IS NOT NULL AND l.acc_time IS NULL OR (EXCLUDED.acc_time, EXCLUDED.acc_status) > (l.acc_time, l.acc_status)
      OR EXCLUDED.signal_time IS NOT NULL AND l.signal_time IS NULL OR (EXCLUDED.signal_time, EXCLUDED.gps_signal) > (l.signal_time, l.gps_signal)
      OR EXCLUDED.elec_time IS NOT NULL AND l.elec_time IS NULL OR (EXCLUDED.elec_time, EXCLUDED.elec_quantity) > (l.elec_time, l.elec_quantity)
      OR EXCLUDED.power_time IS NOT NULL AND l.power_time IS NULL OR (EXCLUDED.power_time, EXCLUDED.power_value) > (l.power_time, l.power_value)
      OR EXCLUDED.battery_time IS NOT NULL AND l.battery_time IS NULL OR (EXCLUDED.battery_time, EXCLUDED.battery_power_val) > (l.battery_time, l.battery_power_val)
      OR EXCLUDED.temperature_time IS NOT NULL AND l.temperature_time IS NULL OR (EXCLUDED.temperature_time, EXCLUDED.temperature_c) > (l.temperature_time, l.temperature_c)
      OR EXCLUDED.oil_time IS NOT NULL AND l.oil_time IS NULL OR (EXCLUDED.oil_time, EXCLUDED.tracker_oil) > (l.oil_time, l.tracker_oil)
      OR EXCLUDED.mileage_time IS NOT NULL AND l.mileage_time IS NULL OR (EXCLUDED.mileage_time, EXCLUDED.current_mileage_km) > (l.mileage_time, l.current_mileage_km)
      OR EXCLUDED.address_time IS NOT NULL AND l.address_time IS NULL OR (EXCLUDED.address_time, EXCLUDED.address) > (l.address_time, l.address);
    GET DIAGNOSTICS live = ROW_COUNT;

    INSERT INTO tracksolid.alarms (imei, alarm_type, alarm_name, severity, alarm_time, positioning_time, lat, lng, speed_kmh, source, received_at)
    SELECT d.ident, left(m.alarm_type, 200), left(m.alarm_name, 500), m.alarm_severity, m.at, CASE WHEN ok THEN m.at END, CASE WHEN ok THEN m.lat END, CASE WHEN ok THEN m.lng END, CASE WHEN m.speed_kmh >= 0 AND m.speed_kmh < 10000 THEN m.speed_kmh END, 'engine', m.received_at
    FROM (SELECT *, COALESCE(lat BETWEEN -90 AND 90 AND lng BETWEEN -180 AND 180 AND NOT (lat = 0 AND lng = 0), false) AS ok FROM pg_temp.odograph_messages WHERE alarm_type IS NOT NULL AND alarm_type <> '') m
    JOIN odograph.devices d USING (device_id) ORDER BY d.ident, m.at, m.rank DESC
    ON CONFLICT (imei, alarm_type, alarm_time) WHERE calc_id IS NULL DO NOTHING;
    GET DIAGNOSTICS alarms = ROW_COUNT;
    PERFORM odograph.note_published('tracksolid.position_history', written, started);
  END IF;
  UPDATE odograph.cursors SET position = p_upto, at = now() WHERE name = 'messages' AND slot = -1 AND (position < p_upto OR at < now() - interval '1 minute') AND position <= p_upto;
  PERFORM odograph.note_ingested('live_positions', started, taken, written, taken - written - rejected, rejected);
END $$;

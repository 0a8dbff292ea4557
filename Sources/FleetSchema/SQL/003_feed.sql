-- From the change feed into the tables: staging, the batch, pages of a snapshot, rebuild.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

-- The staging tables of a connection; each is empty at the begin of every transaction.
CREATE OR REPLACE FUNCTION odograph.open_staging() RETURNS void LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
  CREATE TEMP TABLE IF NOT EXISTS odograph_feed (
    slot smallint NOT NULL, revision bigint NOT NULL, operation smallint NOT NULL, calc_id bigint NOT NULL, device_id bigint NOT NULL,
    interval_id bigint NOT NULL, begin_at timestamptz NOT NULL, end_at timestamptz NOT NULL, calculated_at timestamptz,
    is_active boolean NOT NULL, calc_revision bigint NOT NULL, json text) ON COMMIT DELETE ROWS;
  CREATE TEMP TABLE IF NOT EXISTS odograph_pages (
    calc_id bigint NOT NULL, device_id bigint NOT NULL, id_after bigint NOT NULL, id_upto bigint NOT NULL) ON COMMIT DELETE ROWS;
  CREATE TEMP TABLE IF NOT EXISTS odograph_devices (
    device_id bigint NOT NULL, slot smallint, ident text NOT NULL, name text NOT NULL, revision bigint NOT NULL, is_deleted boolean NOT NULL, json text) ON COMMIT DELETE ROWS;
  CREATE TEMP TABLE IF NOT EXISTS odograph_drivers (device_id bigint NOT NULL, from_at timestamptz NOT NULL, name text) ON COMMIT DELETE ROWS;
  CREATE TEMP TABLE IF NOT EXISTS odograph_calculators (
    calc_id bigint NOT NULL, name text NOT NULL, revision bigint NOT NULL, is_deleted boolean NOT NULL, json text) ON COMMIT DELETE ROWS;
  CREATE TEMP TABLE IF NOT EXISTS odograph_assignments (
    calc_id bigint NOT NULL, device_id bigint NOT NULL, enabled boolean NOT NULL, horizon timestamptz NOT NULL, is_deleted boolean NOT NULL) ON COMMIT DELETE ROWS;
  CREATE TEMP TABLE IF NOT EXISTS odograph_messages (
    position bigint NOT NULL, number integer NOT NULL, device_id bigint NOT NULL, at timestamptz NOT NULL, received_at timestamptz NOT NULL, rank bigint NOT NULL,
    lat double precision, lng double precision, speed_kmh double precision, direction double precision, altitude_m double precision,
    satellites double precision, hdop double precision, pos_type text, acc boolean, mileage_km double precision, gps_mode smallint, gsm_signal double precision,
    battery_pct double precision, battery_v double precision, power_v double precision, temperature_c double precision, fuel double precision,
    alarm_type text, alarm_name text, alarm_severity text, address text) ON COMMIT DELETE ROWS;
END $$;

-- Refuses the staged intervals whose text is no JSON that PostgreSQL takes; true if there were some.
CREATE OR REPLACE FUNCTION odograph.refuse_unreadable() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE r record; n bigint := 0;
BEGIN
  FOR r IN SELECT ctid AS row, calc_id, device_id, interval_id, json FROM pg_temp.odograph_feed WHERE operation <> 0 LOOP
    BEGIN
      IF jsonb_typeof(odograph.parse(r.json)) = 'object' THEN CONTINUE; END IF;
      RAISE EXCEPTION 'not an object' USING ERRCODE = 'invalid_text_representation';
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      INSERT INTO odograph.refused (sink, key, reason, content) VALUES ('feed', format('%s/%s/%s', r.calc_id, r.device_id, r.interval_id), left(SQLERRM, 500), left(r.json, 2000)) ON CONFLICT DO NOTHING;
      DELETE FROM pg_temp.odograph_feed WHERE ctid = r.row; n := n + 1;
    END;
  END LOOP;
  RETURN n;
END $$;

-- Applies what is staged, one row an interval, to odograph.intervals, the typed tables and the fleet tables.
CREATE OR REPLACE FUNCTION odograph.apply_staged(OUT written bigint, OUT deleted bigint, OUT unchanged bigint) LANGUAGE plpgsql AS $$
DECLARE k record; r record; v record; source text; n bigint; want text; trips bigint := 0; started timestamptz := clock_timestamp(); attempt integer; decided boolean;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(920149); -- refresh_v_trips() and apply_registry() take it alone
  -- OFFSET 0: row by row over the key. The planner, who knows nothing of the staged rows, would read the whole table.
  DELETE FROM pg_temp.odograph_feed f WHERE f.operation <> 0 AND EXISTS (
    SELECT 1 FROM odograph.intervals i WHERE (i.calc_id, i.device_id, i.interval_id) = (f.calc_id, f.device_id, f.interval_id)
      AND i.digest = md5(f.json)::uuid AND i.is_active = f.is_active AND i.calc_revision = f.calc_revision OFFSET 0);
  GET DIAGNOSTICS unchanged = ROW_COUNT;

  DELETE FROM odograph.intervals i USING pg_temp.odograph_feed f
    WHERE f.operation = 0 AND (i.calc_id, i.device_id, i.interval_id) = (f.calc_id, f.device_id, f.interval_id);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  IF EXISTS (SELECT 1 FROM pg_temp.odograph_feed WHERE operation = 0) THEN
    DELETE FROM reporting.trips t USING pg_temp.odograph_feed f WHERE f.operation = 0 AND (t.calc_id, t.device_id, t.interval_id) = (f.calc_id, f.device_id, f.interval_id)
      AND t.trip_id = CASE WHEN f.device_id < 9000000 THEN f.device_id * 1000000000 + f.interval_id END; -- by the index
    GET DIAGNOSTICS trips = ROW_COUNT;
    DELETE FROM tracksolid.parking_events t USING pg_temp.odograph_feed f WHERE f.operation = 0 AND (t.calc_id, t.device_id, t.interval_id) = (f.calc_id, f.device_id, f.interval_id);
    DELETE FROM tracksolid.alarms t USING pg_temp.odograph_feed f WHERE f.operation = 0 AND (t.calc_id, t.device_id, t.interval_id) = (f.calc_id, f.device_id, f.interval_id);
  END IF;

  FOR attempt IN 1..2 LOOP
    BEGIN
      INSERT INTO odograph.intervals AS i (calc_id, device_id, interval_id, begin_at, end_at, slot, is_active, calc_revision, revision, digest, calculated_at, counters)
      SELECT calc_id, device_id, interval_id, begin_at, end_at, slot, is_active, calc_revision, revision, md5(json)::uuid, calculated_at,
             odograph.parse(json) - '{begin,end,duration,id,timestamp}'::text[]
      FROM pg_temp.odograph_feed WHERE operation <> 0 ORDER BY calc_id, device_id, interval_id
      ON CONFLICT (calc_id, device_id, interval_id) DO UPDATE SET begin_at = EXCLUDED.begin_at, end_at = EXCLUDED.end_at, slot = EXCLUDED.slot,
        is_active = EXCLUDED.is_active, calc_revision = EXCLUDED.calc_revision, revision = EXCLUDED.revision, digest = EXCLUDED.digest,
        calculated_at = EXCLUDED.calculated_at, counters = EXCLUDED.counters, updated_at = now();
      GET DIAGNOSTICS written = ROW_COUNT;
      EXIT;
    EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
      IF attempt = 2 OR odograph.refuse_unreadable() = 0 THEN RAISE; END IF;
    END;
  END LOOP;

  FOR k IN SELECT c.calc_id, c.table_name, c.upsert_sql, c.check_sql, bool_or(f.operation = 0) AS has_deletes, bool_or(f.operation <> 0) AS has_upserts
           FROM pg_temp.odograph_feed f JOIN odograph.calculators c USING (calc_id) GROUP BY c.calc_id ORDER BY c.calc_id LOOP
    source := format('(SELECT calc_id, device_id, interval_id, begin_at, end_at, is_active, calc_revision, revision, odograph.parse(json) AS counters FROM pg_temp.odograph_feed WHERE operation <> 0 AND calc_id = %s OFFSET 0)', k.calc_id);
    IF k.table_name IS NOT NULL AND k.has_deletes THEN
      EXECUTE format('DELETE FROM reporting.%I t USING pg_temp.odograph_feed f WHERE f.operation = 0 AND (t.calc_id, t.device_id, t.interval_id) = (f.calc_id, f.device_id, f.interval_id)', k.table_name);
    END IF;
    CONTINUE WHEN NOT k.has_upserts;
    IF k.table_name IS NOT NULL THEN
      -- Columns that are decided, or made wider, by the first value that needs it.
      IF k.check_sql IS NOT NULL THEN
        n := 0; decided := false;
        FOR v IN EXECUTE replace(k.check_sql, '{source}', source) LOOP
          SELECT CASE WHEN v.types && ARRAY['object', 'array'] THEN 'json'
                      WHEN kind = 'any' AND v.types <@ ARRAY['null', 'number'] THEN 'number' WHEN kind = 'any' AND v.types <@ ARRAY['null', 'boolean'] THEN 'boolean'
                      ELSE 'text' END INTO want FROM odograph.columns WHERE calc_id = k.calc_id AND counter = v.counter;
          IF odograph.set_column(k.calc_id, v.counter, want) THEN n := n + 1; END IF; decided := true;
        END LOOP;
        IF decided THEN SELECT upsert_sql INTO k.upsert_sql FROM odograph.calculators WHERE calc_id = k.calc_id; END IF;
        IF n > 0 THEN
          PERFORM odograph.refill_table(k.calc_id); -- a column was made wider: from what is stored, this batch included
        ELSE
          EXECUTE replace(k.upsert_sql, '{source}', source);
        END IF;
      ELSE
        EXECUTE replace(k.upsert_sql, '{source}', source);
      END IF;
    END IF;
    FOR r IN SELECT role, sql FROM odograph.calculator_roles WHERE calc_id = k.calc_id LOOP
      EXECUTE replace(r.sql, '{source}', source);
      GET DIAGNOSTICS n = ROW_COUNT;
      IF r.role = 'trips' THEN trips := trips + n; END IF;
    END LOOP;
  END LOOP;
  PERFORM odograph.note_published('reporting.intervals', written + deleted, started);
  IF trips > 0 THEN PERFORM odograph.note_published('reporting.v_trips', trips, started); END IF;
END $$;

-- A batch of the feed, staged in odograph_feed: takes what is beyond the cursors, moves the cursors. Call it in the
-- transaction of the COPY. A row whose interval is gone since (json null, not deleted) waits for its deletion.
CREATE OR REPLACE FUNCTION odograph.apply_feed(p_store text DEFAULT NULL, OUT written bigint, OUT deleted bigint, OUT unchanged bigint, OUT stale bigint) LANGUAGE plpgsql AS $$
DECLARE s record; held bigint; slots smallint[]; upto bigint[]; i integer;
BEGIN
  stale := 0;
  FOR s IN SELECT slot, max(revision) AS revision FROM pg_temp.odograph_feed GROUP BY slot ORDER BY slot LOOP
    held := odograph.lock_cursor('feed', s.slot, p_store);
    DELETE FROM pg_temp.odograph_feed WHERE slot = s.slot AND revision <= held;
    GET DIAGNOSTICS i = ROW_COUNT; stale := stale + i;
    IF s.revision > held THEN slots := slots || s.slot; upto := upto || s.revision; END IF;
  END LOOP;
  DELETE FROM pg_temp.odograph_feed WHERE operation <> 0 AND json IS NULL;
  DELETE FROM pg_temp.odograph_feed f USING (SELECT ctid AS row, row_number() OVER (PARTITION BY calc_id, device_id, interval_id ORDER BY revision DESC) AS n FROM pg_temp.odograph_feed) o
    WHERE f.ctid = o.row AND o.n > 1;
  SELECT a.written, a.deleted, a.unchanged INTO written, deleted, unchanged FROM odograph.apply_staged() a;
  UPDATE odograph.cursors c SET position = u.revision, at = now() FROM unnest(slots, upto) u(slot, revision) WHERE c.name = 'feed' AND c.slot = u.slot;
END $$;

-- Pages of a snapshot of one slot, staged in odograph_feed (operation 1) with their limits in odograph_pages: within
-- id_after < id <= id_upto of its assignment a page is all there is. Repeating a page changes nothing.
CREATE OR REPLACE FUNCTION odograph.apply_pages(p_slot smallint, p_store text DEFAULT NULL, OUT written bigint, OUT deleted bigint, OUT unchanged bigint) LANGUAGE plpgsql AS $$
DECLARE r bigint;
BEGIN
  PERFORM odograph.lock_cursor('feed', p_slot, p_store);
  INSERT INTO pg_temp.odograph_feed (slot, revision, operation, calc_id, device_id, interval_id, begin_at, end_at, is_active, calc_revision)
  SELECT i.slot, 0, 0, i.calc_id, i.device_id, i.interval_id, i.begin_at, i.end_at, false, 0
  FROM pg_temp.odograph_pages p CROSS JOIN LATERAL (
    SELECT * FROM odograph.intervals i WHERE i.calc_id = p.calc_id AND i.device_id = p.device_id AND i.interval_id > p.id_after AND i.interval_id <= p.id_upto OFFSET 0) i
  WHERE NOT EXISTS (SELECT 1 FROM pg_temp.odograph_feed f WHERE (f.calc_id, f.device_id, f.interval_id) = (i.calc_id, i.device_id, i.interval_id));
  SELECT a.written, a.deleted, a.unchanged INTO written, deleted, unchanged FROM odograph.apply_staged() a;
END $$;

-- Ends the snapshot of a slot, read at p_revision: what belongs to assignments that had no page goes, the cursor is set.
-- odograph_pages holds the assignments of the slot (their limits do not matter).
CREATE OR REPLACE FUNCTION odograph.finish_pages(p_slot smallint, p_revision bigint, p_store text DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint;
BEGIN
  PERFORM odograph.lock_cursor('feed', p_slot, p_store);
  UPDATE odograph.cursors SET position = p_revision, at = now() WHERE name = 'feed' AND slot = p_slot;
  -- From device to device over the index, since a slot has few of them.
  INSERT INTO pg_temp.odograph_feed (slot, revision, operation, calc_id, device_id, interval_id, begin_at, end_at, is_active, calc_revision)
  WITH RECURSIVE d (device_id, slot) AS (
    (SELECT device_id, slot FROM odograph.intervals ORDER BY device_id LIMIT 1)
    UNION ALL SELECT n.device_id, n.slot FROM d CROSS JOIN LATERAL (SELECT device_id, slot FROM odograph.intervals WHERE device_id > d.device_id ORDER BY device_id LIMIT 1) n)
  SELECT i.slot, 0, 0, i.calc_id, i.device_id, i.interval_id, i.begin_at, i.end_at, false, 0
  FROM d CROSS JOIN LATERAL (SELECT * FROM odograph.intervals i WHERE i.device_id = d.device_id OFFSET 0) i
  WHERE d.slot = p_slot AND NOT EXISTS (SELECT 1 FROM pg_temp.odograph_pages p WHERE p.calc_id = i.calc_id AND p.device_id = i.device_id);
  SELECT a.deleted INTO gone FROM odograph.apply_staged() a;
  RETURN gone;
END $$;

-- Begins anew, run as owner: the database is nobody's. p_empty: the intervals go, and all that was made of them, and the
-- cursors are at 0; else the cursors stand ahead of every feed, so that the writer rebuilds every slot by pages.
-- p_messages: the message log is read again from its beginning, over the positions that are there.
CREATE OR REPLACE FUNCTION odograph.begin_anew(p_empty boolean, p_messages boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
  PERFORM pg_advisory_xact_lock(920149);
  IF p_empty THEN
    TRUNCATE odograph.intervals, reporting.trips;
    FOR t IN SELECT table_name FROM odograph.calculators WHERE table_name IS NOT NULL LOOP EXECUTE format('TRUNCATE reporting.%I', t); END LOOP;
    DELETE FROM tracksolid.parking_events WHERE calc_id IS NOT NULL;
    DELETE FROM tracksolid.alarms WHERE calc_id IS NOT NULL;
  END IF;
  UPDATE odograph.cursors SET position = 0, store = NULL, at = now() WHERE name <> 'messages' OR p_messages;
  IF NOT p_empty THEN
    INSERT INTO odograph.cursors (name, slot, position) SELECT 'feed', s, 1::bigint << 62 FROM generate_series(0, 255) s
    ON CONFLICT (name, slot) DO UPDATE SET position = EXCLUDED.position;
  END IF;
END $$;

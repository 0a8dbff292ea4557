-- The four hypertables: of TimescaleDB where the extension is, else partitioned by range. Chosen once: a database that
-- has the one kind keeps it.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

DO $hyper$
DECLARE
  ts boolean := EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb');
  t record; suffix text;
BEGIN
  IF to_regclass('tracksolid.position_history') IS NOT NULL THEN
    ts := (SELECT relkind = 'r' FROM pg_class WHERE oid = 'tracksolid.position_history'::regclass);
  END IF;
  INSERT INTO reporting.settings (key, value, note) VALUES ('storage', CASE WHEN ts THEN 'timescaledb' ELSE 'plain' END, 'kind of the hypertables; chosen at installation') ON CONFLICT DO NOTHING;
  FOR t IN SELECT * FROM (VALUES
    ('position_history', 'gps_time', '7 days', 'imei text NOT NULL, gps_time timestamptz NOT NULL, lat double precision NOT NULL, lng double precision NOT NULL,
       speed_kmh double precision, direction double precision, acc_status smallint, pos_type smallint, satellites smallint, altitude_m real, mileage_km double precision,
       gps_mode smallint, flags integer NOT NULL DEFAULT 0, received_at timestamptz NOT NULL DEFAULT now(), rank bigint, source text NOT NULL, PRIMARY KEY (imei, gps_time)'),
    ('heartbeats', 'gate_time', '7 days', 'imei text NOT NULL, gate_time timestamptz NOT NULL, power_level real, gsm_sign smallint, acc smallint, oil_ele smallint,
       gps_pos smallint, remote_lock smallint, power_status smallint, fortify smallint, received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, PRIMARY KEY (imei, gate_time)'),
    ('fuel_readings', 'gate_time', '30 days', 'imei text NOT NULL, gate_time timestamptz NOT NULL, sensor text NOT NULL DEFAULT ''1'', value double precision, unit text,
       received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, PRIMARY KEY (imei, gate_time, sensor)'),
    ('temperature_readings', 'gate_time', '30 days', 'imei text NOT NULL, gate_time timestamptz NOT NULL, sensor text NOT NULL DEFAULT ''1'', temperature_c real, humidity_pct real,
       received_at timestamptz NOT NULL DEFAULT now(), raw jsonb, PRIMARY KEY (imei, gate_time, sensor)')) v(name, key, step, columns) LOOP
    IF to_regclass('tracksolid.' || t.name) IS NOT NULL THEN CONTINUE; END IF;
    IF ts THEN
      EXECUTE format('CREATE TABLE tracksolid.%I (%s)', t.name, t.columns);
      EXECUTE format('SELECT create_hypertable(%L, by_range(%L, INTERVAL %L), if_not_exists => true)', 'tracksolid.' || t.name, t.key, t.step);
    ELSE
      EXECUTE format('CREATE TABLE tracksolid.%I (%s) PARTITION BY RANGE (%I)', t.name, t.columns, t.key);
      EXECUTE format('CREATE TABLE tracksolid.%I PARTITION OF tracksolid.%I DEFAULT', t.name || '_default', t.name);
    END IF;
  END LOOP;
END $hyper$;
CREATE INDEX IF NOT EXISTS position_history_brin ON tracksolid.position_history USING brin (gps_time);
COMMENT ON COLUMN tracksolid.position_history.source IS 'engine; poll, track_list, push where the provider''s own rows are loaded';
COMMENT ON COLUMN tracksolid.position_history.rank IS 'Hash of the engine''s message: of two payloads of one time the greater overrides.';
COMMENT ON COLUMN tracksolid.position_history.flags IS '1 jump, 2 parked drift, 4 future, 8 zero speed moved, 16 by cell towers';

-- Makes the partitions that [p_from, p_to) lacks, moving rows that wait in DEFAULT; 0 under TimescaleDB.
-- Attaching takes no lock that stops readers of the other partitions, and it gives up after 2 s rather than queue.
CREATE OR REPLACE FUNCTION tracksolid.ensure_partitions(p_parent regclass, p_from timestamptz, p_to timestamptz, p_step interval DEFAULT '7 days') RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE d timestamptz; e timestamptz; n integer := 0; nm text; s text; t text; key text; moved bigint; columns text;
BEGIN
  SELECT nspname, relname INTO s, t FROM pg_class c JOIN pg_namespace p ON p.oid = c.relnamespace WHERE c.oid = p_parent AND c.relkind = 'p' AND nspname = 'tracksolid';
  IF NOT FOUND THEN RETURN 0; END IF;
  SELECT a.attname INTO key FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] WHERE p.partrelid = p_parent;
  d := date_bin(p_step, p_from, '1970-01-05 00:00+00');   -- a Monday, so that repetitions agree
  WHILE d < p_to LOOP
    e := d + p_step; nm := t || '_p' || to_char(d AT TIME ZONE 'UTC', 'YYYYMMDD');
    IF to_regclass(format('%I.%I', s, nm)) IS NULL THEN
      PERFORM pg_advisory_xact_lock(920148, p_parent::oid::int);
      IF to_regclass(format('%I.%I', s, nm)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)', s, nm, s, t);
        EXECUTE format('WITH gone AS (DELETE FROM %I.%I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I.%I SELECT * FROM gone', s, t || '_default', key, d, key, e, s, nm);
        EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT in_range CHECK (%I >= %L AND %I < %L)', s, nm, key, d, key, e);
        EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)', s, t, s, nm, d, e);
        EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT in_range', s, nm);
        n := n + 1;
      END IF;
    END IF;
    d := e;
  END LOOP;
  RETURN n;
END $$;

CREATE OR REPLACE FUNCTION tracksolid.drop_partitions(p_parent regclass, p_older_than timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE r record; n integer := 0;
BEGIN
  FOR r IN SELECT c.oid::regclass AS part, pg_get_expr(c.relpartbound, c.oid) AS b FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = p_parent AND c.relnamespace = 'tracksolid'::regnamespace AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT' LOOP
    IF substring(r.b FROM 'TO \(''([^'']+)''\)')::timestamptz <= p_older_than THEN EXECUTE format('DROP TABLE %s', r.part); n := n + 1; END IF;
  END LOOP;
  RETURN n;
END $$;

-- What a writer does at its start and once a day: partitions ahead, old ones dropped, logs cut.
CREATE OR REPLACE FUNCTION odograph.maintain() RETURNS void LANGUAGE plpgsql AS $$
DECLARE days integer := COALESCE(reporting.setting('history_days')::integer, 0); t text;
BEGIN
  IF reporting.setting('storage') = 'plain' THEN
    FOREACH t IN ARRAY ARRAY['position_history', 'heartbeats', 'fuel_readings', 'temperature_readings'] LOOP
      BEGIN
        PERFORM tracksolid.ensure_partitions(('tracksolid.' || t)::regclass, now(), now() + interval '21 days', CASE WHEN t IN ('position_history', 'heartbeats') THEN interval '7 days' ELSE interval '30 days' END);
        IF days > 0 THEN PERFORM tracksolid.drop_partitions(('tracksolid.' || t)::regclass, now() - make_interval(days => days)); END IF;
      EXCEPTION WHEN lock_not_available THEN NULL; -- tomorrow again
      END;
    END LOOP;
  END IF;
  DELETE FROM reporting.refresh_log WHERE started_at < now() - interval '30 days';
  DELETE FROM tracksolid.ingestion_log WHERE started_at < now() - interval '90 days';
  DELETE FROM odograph.refused WHERE at < now() - interval '90 days';
END $$;

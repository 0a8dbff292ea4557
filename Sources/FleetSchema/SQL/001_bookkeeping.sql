-- Schemas, roles, the record of migrations, cursors. Runs as whoever migrates: a superuser, the owner of the database,
-- or any role that may create schemas in it. Repeating it changes nothing.
-- {{owner}}, {{writer}}, {{reader}} are names of roles made of a-z, 0-9 and _ (the runner refuses others).
DO $roles$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['{{owner}}', '{{writer}}', '{{reader}}'] LOOP
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = r) THEN CONTINUE; END IF;
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', r);
      EXECUTE format('COMMENT ON ROLE %I IS %L', r, 'Odograph');
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE NOTICE 'role % is missing and % may not create it: its grants are left out', r, current_user;
    END;
  END LOOP;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{{owner}}') THEN
    BEGIN
      IF NOT pg_has_role('{{owner}}', 'MEMBER') THEN EXECUTE format('GRANT %I TO %I', '{{owner}}', current_user); END IF;
    EXCEPTION WHEN insufficient_privilege THEN NULL; END;
    BEGIN
      IF NOT has_database_privilege('{{owner}}', current_database(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON DATABASE %I TO %I', current_database(), '{{owner}}');
      END IF;
    EXCEPTION WHEN insufficient_privilege THEN NULL; END;
  END IF;
  -- The owner owns what is made, where whoever migrates may act as the owner; else they own it themselves.
  IF to_regnamespace('odograph') IS NULL THEN
    EXECUTE format('CREATE SCHEMA odograph AUTHORIZATION %I', CASE
      WHEN EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{{owner}}') AND pg_has_role('{{owner}}', 'MEMBER')
       AND has_database_privilege('{{owner}}', current_database(), 'CREATE') THEN '{{owner}}' ELSE current_user END);
  END IF;
END $roles$;

-- Every migration begins so: it acts as the owner of the schema odograph.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE SCHEMA IF NOT EXISTS reporting;
CREATE SCHEMA IF NOT EXISTS tracksolid;
COMMENT ON SCHEMA odograph IS 'Odograph: bookkeeping of the writer. Not for reports.';
COMMENT ON SCHEMA reporting IS 'Odograph: intervals, one table a calculator, trips, settings.';
COMMENT ON SCHEMA tracksolid IS 'Odograph: devices, positions, alarms, and the views that Grafana reads.';

CREATE TABLE IF NOT EXISTS odograph.migrations (
  version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL DEFAULT session_user, milliseconds integer);
COMMENT ON TABLE odograph.migrations IS 'Which migrations this database has; checksum is the SHA-256 of the file as shipped.';

-- Refuses a database that a newer program, or another file of the same number, has migrated.
CREATE OR REPLACE FUNCTION odograph.check_migrations(p_versions integer[], p_checksums text[]) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
DECLARE m record; known integer := (SELECT max(v) FROM unnest(p_versions) v);
BEGIN
  SELECT max(version) AS version INTO m FROM odograph.migrations;
  IF m.version > known THEN
    RAISE EXCEPTION 'the database has schema %, this program knows %: update the program', m.version, known
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  FOR m IN SELECT g.version, g.name FROM odograph.migrations g JOIN unnest(p_versions, p_checksums) k(version, checksum) USING (version)
           WHERE g.checksum <> k.checksum ORDER BY 1 LOOP
    RAISE EXCEPTION 'migration % (%) was applied with other text than this program has', m.version, m.name
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END LOOP;
  RETURN COALESCE((SELECT max(version) FROM odograph.migrations), 0);
END $$;

-- How far a reader of the engine has come. slot -1: one cursor over all slots (the message log, the registry).
CREATE TABLE IF NOT EXISTS odograph.cursors (
  name text NOT NULL, slot smallint NOT NULL DEFAULT -1, position bigint NOT NULL DEFAULT 0,
  at timestamptz NOT NULL DEFAULT now(), store text, PRIMARY KEY (name, slot)) WITH (fillfactor = 50);
COMMENT ON TABLE odograph.cursors IS 'feed: rev by slot; messages: log position; registry: revision. Moved in the transaction of the rows.';
COMMENT ON COLUMN odograph.cursors.store IS 'The engine''s store whose positions these are; a writer of another store is refused.';

-- What could not be taken, so that one bad row does not stop the rest.
CREATE TABLE IF NOT EXISTS odograph.refused (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sink text NOT NULL, key text NOT NULL, reason text NOT NULL,
  content text, at timestamptz NOT NULL DEFAULT now(), UNIQUE (sink, key, reason));

CREATE TABLE IF NOT EXISTS reporting.refresh_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, object_name text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz, duration_ms integer,
  row_count bigint, ok boolean, skipped boolean NOT NULL DEFAULT false, error text, worker text,
  minute timestamptz, batches integer);
CREATE UNIQUE INDEX IF NOT EXISTS refresh_log_minute ON reporting.refresh_log (object_name, minute);
CREATE INDEX IF NOT EXISTS refresh_log_started ON reporting.refresh_log (started_at);
COMMENT ON TABLE reporting.refresh_log IS 'What was published: a row a minute and object for the feed (batches, rows), a row a call for refresh_v_trips().';

CREATE OR REPLACE FUNCTION odograph.note_published(p_object text, p_rows bigint, p_started timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO reporting.refresh_log AS l (object_name, started_at, finished_at, duration_ms, row_count, ok, minute, batches)
  VALUES (p_object, p_started, clock_timestamp(), extract(epoch FROM clock_timestamp() - p_started) * 1000, p_rows, true, date_trunc('minute', p_started), 1)
  ON CONFLICT (object_name, minute) DO UPDATE SET finished_at = EXCLUDED.finished_at, duration_ms = l.duration_ms + EXCLUDED.duration_ms,
    row_count = l.row_count + EXCLUDED.row_count, batches = l.batches + 1
$$;

-- Takes the cursor for this transaction. A database is filled from one store: the first that comes is remembered, another refused.
CREATE OR REPLACE FUNCTION odograph.lock_cursor(p_name text, p_slot smallint, p_store text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE c odograph.cursors; made boolean; other text;
BEGIN
  INSERT INTO odograph.cursors (name, slot, store) VALUES (p_name, p_slot, p_store) ON CONFLICT DO NOTHING;
  made := FOUND;
  SELECT * INTO c FROM odograph.cursors WHERE name = p_name AND slot = p_slot FOR UPDATE;
  IF p_store IS NULL THEN RETURN c.position; END IF;
  other := c.store;
  IF made OR other IS NULL THEN SELECT store INTO other FROM odograph.cursors WHERE store <> p_store LIMIT 1; END IF;
  IF other <> p_store THEN
    RAISE EXCEPTION 'this database is filled from the store %, not from %: rebuild it from nothing', other, p_store USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  IF c.store IS NULL THEN UPDATE odograph.cursors SET store = p_store WHERE name = p_name AND slot = p_slot; END IF;
  RETURN c.position;
END $$;

-- Settings that the SQL layer reads.
CREATE TABLE IF NOT EXISTS reporting.settings (key text PRIMARY KEY, value text NOT NULL, note text);
INSERT INTO reporting.settings (key, value, note) VALUES
 ('tz', COALESCE(NULLIF(current_setting('odograph.timezone', true), ''), 'UTC'), 'business time zone: change it by reporting.set_timezone()'),
 ('online_s', '600', 'a fix older than this is not moving'), ('stale_s', '1800', 'no contact for longer: offline'),
 ('moving_kmh', '5', 'from this speed on a vehicle moves'), ('idle_min_s', '300', 'the shortest idling that is listed'),
 ('future_s', '600', 'a fix further ahead of the clock is refused'),
 ('history_days', '0', 'positions older than this are dropped by partition; 0: kept'),
 ('night_begin', '22:00', 'night trips begin from here on'), ('night_end', '05:00', 'and before this')
ON CONFLICT DO NOTHING;
CREATE OR REPLACE FUNCTION reporting.setting(k text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT value FROM reporting.settings WHERE key = k $$;
CREATE OR REPLACE FUNCTION reporting.local_day(t timestamptz) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT (t AT TIME ZONE (SELECT value FROM reporting.settings WHERE key = 'tz'))::date $$;
-- The first instant of a local day: an index-friendly bound.
CREATE OR REPLACE FUNCTION reporting.day_start(d date) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT d::timestamp AT TIME ZONE (SELECT value FROM reporting.settings WHERE key = 'tz') $$;
CREATE OR REPLACE FUNCTION reporting.normalize_plate(p text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT NULLIF(upper(regexp_replace(coalesce(p, ''), '[^[:alnum:]]', '', 'g')), '') $$;
-- 2026-11-22T07:19:56.000Z, as JavaScript writes it.
CREATE OR REPLACE FUNCTION reporting.json_time(t timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
-- The settings as one row, to be joined once a query instead of looked up once a row.
CREATE OR REPLACE VIEW reporting.v_settings AS
SELECT s.tz, s.online_s, s.stale_s, s.moving_kmh, s.idle_min_s, (now() AT TIME ZONE s.tz)::date AS today,
       date_trunc('day', now() AT TIME ZONE s.tz) AT TIME ZONE s.tz AS today_start
FROM (SELECT max(value) FILTER (WHERE key = 'tz') AS tz, make_interval(secs => max(value) FILTER (WHERE key = 'online_s')::int) AS online_s,
             make_interval(secs => max(value) FILTER (WHERE key = 'stale_s')::int) AS stale_s,
             max(value) FILTER (WHERE key = 'moving_kmh')::double precision AS moving_kmh,
             make_interval(secs => max(value) FILTER (WHERE key = 'idle_min_s')::int) AS idle_min_s FROM reporting.settings) s;

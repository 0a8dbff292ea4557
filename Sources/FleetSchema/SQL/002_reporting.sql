-- The registry's mirror, all intervals, and one typed table a calculator.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE TABLE IF NOT EXISTS odograph.devices (
  device_id bigint PRIMARY KEY, slot smallint, ident text NOT NULL, name text NOT NULL, revision bigint NOT NULL,
  json jsonb NOT NULL, deleted_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX IF NOT EXISTS devices_ident ON odograph.devices (ident) WHERE deleted_at IS NULL;
-- Who drove a device from when on, as the engine says; tracksolid.driver_assignments follows it.
CREATE TABLE IF NOT EXISTS odograph.device_drivers (
  device_id bigint NOT NULL, ident text NOT NULL, from_at timestamptz NOT NULL, name text, PRIMARY KEY (device_id, ident, from_at));
CREATE TABLE IF NOT EXISTS odograph.calculators (
  calc_id bigint PRIMARY KEY, name text NOT NULL, revision bigint NOT NULL, json jsonb NOT NULL,
  table_name text UNIQUE, upsert_sql text, check_sql text,
  deleted_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now());
COMMENT ON COLUMN odograph.calculators.table_name IS 'Its table in the schema reporting: given once, kept when the calculator is renamed.';
-- Which fleet tables a calculator's intervals fill, and the statement that does it.
CREATE TABLE IF NOT EXISTS odograph.calculator_roles (
  calc_id bigint NOT NULL, role text NOT NULL CHECK (role IN ('trips', 'parking', 'idling', 'alarm')), sql text NOT NULL, PRIMARY KEY (calc_id, role));
CREATE TABLE IF NOT EXISTS odograph.columns (
  calc_id bigint NOT NULL REFERENCES odograph.calculators ON DELETE CASCADE, counter text NOT NULL, number integer NOT NULL,
  declared text NOT NULL, kind text NOT NULL, column_name text, present boolean NOT NULL DEFAULT true,
  PRIMARY KEY (calc_id, counter), UNIQUE (calc_id, column_name));
COMMENT ON COLUMN odograph.columns.declared IS 'number, text, boolean, timestamp, json, geography; any: decided by the first value that comes';
CREATE TABLE IF NOT EXISTS odograph.assignments (
  calc_id bigint NOT NULL, device_id bigint NOT NULL, enabled boolean NOT NULL DEFAULT true,
  horizon timestamptz NOT NULL DEFAULT '-infinity', PRIMARY KEY (device_id, calc_id));
COMMENT ON COLUMN odograph.assignments.horizon IS 'Intervals that end before it are frozen.';
-- The calculator that fills a fleet table for a device: of those assigned that have the role, the one with the lowest id.
CREATE TABLE IF NOT EXISTS odograph.role_sources (
  role text NOT NULL, device_id bigint NOT NULL, calc_id bigint NOT NULL, PRIMARY KEY (role, device_id));

CREATE TABLE IF NOT EXISTS odograph.intervals (
  calc_id bigint NOT NULL, device_id bigint NOT NULL, interval_id bigint NOT NULL,
  begin_at timestamptz NOT NULL, end_at timestamptz NOT NULL, slot smallint NOT NULL, is_active boolean NOT NULL,
  calc_revision bigint NOT NULL DEFAULT 0, revision bigint NOT NULL, digest uuid NOT NULL, calculated_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now(), counters jsonb NOT NULL, PRIMARY KEY (calc_id, device_id, interval_id));
CREATE INDEX IF NOT EXISTS intervals_device ON odograph.intervals (device_id, begin_at);
CREATE INDEX IF NOT EXISTS intervals_calc ON odograph.intervals (calc_id, begin_at);

CREATE OR REPLACE VIEW reporting.intervals AS
SELECT i.calc_id, c.name AS calc_name, i.device_id, d.ident, d.name AS device_name, i.interval_id, i.begin_at, i.end_at,
       extract(epoch FROM i.end_at - i.begin_at)::double precision AS duration, i.is_active,
       COALESCE(i.end_at < a.horizon, false) AS is_frozen, i.counters, i.calc_revision, i.revision, i.calculated_at, i.updated_at
FROM odograph.intervals i LEFT JOIN odograph.calculators c USING (calc_id) LEFT JOIN odograph.devices d USING (device_id)
LEFT JOIN odograph.assignments a USING (calc_id, device_id);
COMMENT ON VIEW reporting.intervals IS 'Every interval of every calculator; counters and custom fields as JSON.';
COMMENT ON COLUMN reporting.intervals.revision IS 'Number in the change feed of its slot of the change that made it so.';
COMMENT ON COLUMN reporting.intervals.is_frozen IS 'It ended before the horizon of retained messages: kept, never calculated again.';
CREATE OR REPLACE VIEW reporting.calculators AS
SELECT calc_id, name AS calc_name, CASE WHEN table_name IS NOT NULL THEN format('reporting.%I', table_name) END AS table_name,
       (SELECT string_agg(role, ', ' ORDER BY role) FROM odograph.calculator_roles r WHERE r.calc_id = c.calc_id) AS roles, revision,
       json -> 'metadata' ->> 'description' AS description, deleted_at, updated_at FROM odograph.calculators c;
CREATE OR REPLACE VIEW reporting.columns AS
SELECT c.calc_id, k.name AS calc_name, c.counter, c.column_name, c.kind, c.present FROM odograph.columns c JOIN odograph.calculators k USING (calc_id) WHERE c.column_name IS NOT NULL;

-- ---- values: never an error, whatever the JSON holds
CREATE OR REPLACE FUNCTION odograph.as_number(v jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE jsonb_typeof(v) WHEN 'number' THEN v::double precision WHEN 'boolean' THEN v::boolean::int::double precision END $$;
CREATE OR REPLACE FUNCTION odograph.as_text(v jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT v #>> '{}' $$;
CREATE OR REPLACE FUNCTION odograph.as_boolean(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE jsonb_typeof(v) WHEN 'boolean' THEN v::boolean WHEN 'number' THEN v <> '0'::jsonb END $$;
CREATE OR REPLACE FUNCTION odograph.as_timestamp(v jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN jsonb_typeof(v) = 'number' AND v >= '0'::jsonb AND v < '253402300800'::jsonb THEN to_timestamp(v::double precision) END $$;
CREATE OR REPLACE FUNCTION odograph.as_seconds(v double precision) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN v BETWEEN -2e9 AND 2e9 THEN round(v)::integer END $$; -- not by LEAST(): it passes over null
CREATE OR REPLACE FUNCTION odograph.as_json(v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT NULLIF(v, 'null'::jsonb) $$;
CREATE OR REPLACE FUNCTION odograph.as_latitude(v jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT odograph.as_number(COALESCE(v -> 'position.latitude', v -> 'latitude', v -> 'lat')) $$;
CREATE OR REPLACE FUNCTION odograph.as_longitude(v jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT odograph.as_number(COALESCE(v -> 'position.longitude', v -> 'longitude', v -> 'lng', v -> 'lon')) $$;

-- JSON text as jsonb, which has no U+0000: such characters become U+FFFD.
CREATE OR REPLACE FUNCTION odograph.parse(t text) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN strpos(t, '\u0000') = 0 THEN t::jsonb ELSE regexp_replace(t, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::jsonb END $$;

-- ---- what a counter gives, as far as its definition tells
CREATE OR REPLACE FUNCTION odograph.counter_kind(c jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  t text := c ->> 'type'; m text := c ->> 'method'; e text := btrim(COALESCE(c ->> 'expression', CASE WHEN t = 'parameter' THEN COALESCE(c ->> 'parameter', c ->> 'name') END));
BEGIN
  IF t IN ('active') THEN RETURN 'boolean'; END IF;
  IF t IN ('datetime', 'geofence', 'route') THEN RETURN 'text'; END IF;
  IF t = 'specified' THEN RETURN CASE jsonb_typeof(c -> 'value') WHEN 'number' THEN 'number' WHEN 'boolean' THEN 'boolean' ELSE 'text' END; END IF;
  IF t = 'message' AND (c ? 'extremum' OR m IN ('first', 'last')) THEN
    RETURN CASE WHEN NOT c ? 'fields' OR (c -> 'fields' ? 'position.latitude' AND c -> 'fields' ? 'position.longitude') THEN 'geography' ELSE 'json' END;
  END IF;
  IF t IN ('message', 'dataset', 'calc', 'calculator') OR m = 'distinct' THEN RETURN 'json'; END IF;
  IF t = 'accumulator' OR m IN ('average', 'summary', 'difference', 'duration') THEN RETURN 'number'; END IF;
  IF e IN ('timestamp', 'server.timestamp', 'begin', 'end', 'previous(''end'')', 'previous(''begin'')')
     OR e ~ '^if\([^,()]*, *(timestamp|server\.timestamp), *(error\(\)|null)\)$' THEN RETURN 'timestamp'; END IF;
  IF m IN ('minimum', 'maximum', 'min', 'max') THEN RETURN 'number'; END IF;
  IF e IN ('position.latitude', 'position.longitude', 'position.altitude', 'position.speed', 'position.direction') THEN RETURN 'number'; END IF;
  RETURN 'any';
END $$;

CREATE OR REPLACE FUNCTION odograph.column_type(p_kind text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_kind WHEN 'number' THEN 'double precision' WHEN 'text' THEN 'text' WHEN 'boolean' THEN 'boolean'
                     WHEN 'timestamp' THEN 'timestamptz' WHEN 'any' THEN 'text' ELSE 'jsonb' END $$;

-- ---- names
-- At most 63 bytes, cut between characters, with a hash of the whole where something was cut.
CREATE OR REPLACE FUNCTION odograph.fit(p text, p_seed text, p_bytes integer DEFAULT 63) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE r text := p;
BEGIN
  IF octet_length(r) <= p_bytes THEN RETURN r; END IF;
  WHILE octet_length(r) > p_bytes - 9 LOOP r := left(r, -1); END LOOP;
  RETURN r || '_' || left(md5(p_seed), 8);
END $$;
-- speed.max → speed_max. Letters of any alphabet, digits and _ stay, lower case; what else there is becomes one _.
CREATE OR REPLACE FUNCTION odograph.plain_column_name(p_counter text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE r text := btrim(regexp_replace(lower(p_counter), '[^[:alnum:]_]+', '_', 'g'), '_');
BEGIN
  IF r = '' THEN r := 'counter'; END IF;
  IF r ~ '^[0-9]' THEN r := '_' || r; END IF;
  IF r IN ('calc_id', 'device_id', 'interval_id', 'begin_at', 'end_at', 'duration', 'is_active', 'calc_revision', 'revision', 'updated_at',
           'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid') THEN r := r || '_counter'; END IF;
  RETURN odograph.fit(r, p_counter, 53); -- room for _longitude
END $$;
-- The name of a new column: as plain as it can be and free in the calculator's table.
CREATE OR REPLACE FUNCTION odograph.free_column_name(p_calc bigint, p_counter text, p_kind text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE n text := odograph.plain_column_name(p_counter); tried integer := 0;
BEGIN
  LOOP
    EXIT WHEN NOT EXISTS (SELECT 1 FROM odograph.columns c WHERE c.calc_id = p_calc AND c.counter <> p_counter AND (
       c.column_name = n OR (c.kind = 'geography' AND n IN (c.column_name || '_latitude', c.column_name || '_longitude'))
       OR (p_kind = 'geography' AND c.column_name IN (n || '_latitude', n || '_longitude'))));
    tried := tried + 1;
    n := odograph.fit(odograph.plain_column_name(p_counter) || '_' || left(md5(p_counter || tried), 8), p_counter || tried, 53);
  END LOOP;
  RETURN n;
END $$;
-- The calculator's own name; where something has that name, or it looks like an object of ours, with the id behind.
CREATE OR REPLACE FUNCTION odograph.free_table_name(p_calc bigint, p_name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE n text := odograph.fit(COALESCE(NULLIF(btrim(p_name), ''), 'calculator'), p_name); tried integer := 0;
BEGIN
  WHILE n ~ '^(v_|fn_|ix_|pg_)' OR EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = 'reporting'::regnamespace AND relname = n)
     OR EXISTS (SELECT 1 FROM pg_type WHERE typnamespace = 'reporting'::regnamespace AND typname = n)
     OR EXISTS (SELECT 1 FROM odograph.calculators WHERE calc_id <> p_calc AND table_name = n)
     OR n IN ('trips', 'intervals', 'settings', 'refresh_log', 'calculators', 'columns', 'devices', 'drivers') LOOP
    n := odograph.fit(btrim(p_name) || ' ' || p_calc || repeat('_', tried), p_name || p_calc || tried); n := CASE WHEN n ~ '^(v_|fn_|ix_|pg_)' THEN 'calculator ' || n ELSE n END;
    n := odograph.fit(n, p_name || p_calc || tried); tried := tried + 1;
  END LOOP;
  RETURN n;
END $$;

-- ---- the typed table of a calculator
CREATE OR REPLACE FUNCTION odograph.value_sql(p_kind text, p_counter text, p_json text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('odograph.as_%s(%s -> %L)', CASE WHEN p_kind IN ('geography', 'json') THEN 'json' WHEN p_kind = 'any' THEN 'text' ELSE p_kind END, p_json, p_counter) $$;

-- Writes the statements of a calculator anew: from rows (calc_id, device_id, interval_id, begin_at, end_at, is_active, calc_revision, revision, counters) as s.
CREATE OR REPLACE FUNCTION odograph.compile_statements(p_calc bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE names text; vals text; sets text; checks text; t text;
BEGIN
  SELECT table_name INTO t FROM odograph.calculators WHERE calc_id = p_calc;
  WITH x AS (
    SELECT number, 0 AS part, column_name AS n, odograph.value_sql(kind, counter, 's.counters') AS v FROM odograph.columns WHERE calc_id = p_calc AND column_name IS NOT NULL
    UNION ALL SELECT number, 1, column_name || '_latitude', format('odograph.as_latitude(s.counters -> %L)', counter) FROM odograph.columns WHERE calc_id = p_calc AND kind = 'geography'
    UNION ALL SELECT number, 2, column_name || '_longitude', format('odograph.as_longitude(s.counters -> %L)', counter) FROM odograph.columns WHERE calc_id = p_calc AND kind = 'geography')
  SELECT string_agg(format(', %I', n), '' ORDER BY number, part), string_agg(', ' || v, '' ORDER BY number, part),
         string_agg(format(', %I = EXCLUDED.%I', n, n), '' ORDER BY number, part) INTO names, vals, sets FROM x;
  -- What of the undecided columns the batch would decide or widen: counter and the JSON types that came.
  SELECT 'SELECT x.counter, array_agg(DISTINCT x.type) AS types FROM {source} s CROSS JOIN LATERAL (VALUES ' || string_agg(format('(%L, jsonb_typeof(s.counters -> %L), %L::text[])', counter, counter,
           CASE kind WHEN 'any' THEN '{"null"}' WHEN 'number' THEN '{"null",number,boolean}' WHEN 'boolean' THEN '{"null",boolean}' WHEN 'timestamp' THEN '{"null",number}' ELSE '{"null",string,number,boolean}' END), ', ')
         || format(') x(counter, type, fits) WHERE s.calc_id = %s AND x.type <> ALL (x.fits) GROUP BY x.counter', p_calc)
    INTO checks FROM odograph.columns WHERE calc_id = p_calc AND present AND declared = 'any' AND kind <> 'json';
  UPDATE odograph.calculators SET check_sql = checks, upsert_sql = format(
    'INSERT INTO reporting.%I AS t (calc_id, device_id, interval_id, begin_at, end_at, duration, is_active, calc_revision, revision, updated_at%s)
     SELECT s.calc_id, s.device_id, s.interval_id, s.begin_at, s.end_at, extract(epoch FROM s.end_at - s.begin_at), s.is_active, s.calc_revision, s.revision, now()%s
     FROM {source} s WHERE s.calc_id = %s
     ON CONFLICT (calc_id, device_id, interval_id) DO UPDATE SET begin_at = EXCLUDED.begin_at, end_at = EXCLUDED.end_at, duration = EXCLUDED.duration,
       is_active = EXCLUDED.is_active, calc_revision = EXCLUDED.calc_revision, revision = EXCLUDED.revision, updated_at = EXCLUDED.updated_at%s', t, names, vals, p_calc, sets)
  WHERE calc_id = p_calc;
END $$;

-- Fills the typed table from odograph.intervals; used when a column is added or changes its type, and to mend it.
CREATE OR REPLACE FUNCTION odograph.refill_table(p_calc bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; c odograph.calculators;
BEGIN
  SELECT * INTO c FROM odograph.calculators WHERE calc_id = p_calc;
  IF c.table_name IS NULL THEN RETURN 0; END IF;
  EXECUTE format('DELETE FROM reporting.%I', c.table_name);
  EXECUTE replace(c.upsert_sql, '{source}', 'odograph.intervals');
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

-- Gives a counter its column, or its column another type; true if stored rows must be taken over again. Runs as the owner: a writer makes no
-- tables. A column that somebody's view needs is renamed, not dropped: <name>_was_<kind>.
CREATE OR REPLACE FUNCTION odograph.set_column(p_calc bigint, p_counter text, p_kind text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c odograph.columns; k odograph.calculators; old text; part text; was boolean;
BEGIN
  IF p_kind NOT IN ('any', 'number', 'text', 'boolean', 'timestamp', 'json', 'geography') THEN RAISE EXCEPTION 'no such kind of column: %', p_kind; END IF;
  SELECT * INTO k FROM odograph.calculators WHERE calc_id = p_calc FOR UPDATE;
  SELECT * INTO c FROM odograph.columns WHERE calc_id = p_calc AND counter = p_counter FOR UPDATE;
  IF NOT FOUND OR (c.kind = p_kind AND c.column_name IS NOT NULL) THEN RETURN false; END IF;
  was := c.column_name IS NOT NULL AND c.kind <> 'any';
  IF c.column_name IS NOT NULL AND odograph.column_type(c.kind) <> odograph.column_type(p_kind) OR c.kind = 'geography' THEN
    FOREACH old IN ARRAY CASE c.kind WHEN 'geography' THEN ARRAY[c.column_name, c.column_name || '_latitude', c.column_name || '_longitude'] ELSE ARRAY[c.column_name] END LOOP
      BEGIN
        EXECUTE format('ALTER TABLE reporting.%I DROP COLUMN IF EXISTS %I', k.table_name, old);
      EXCEPTION WHEN dependent_objects_still_exist THEN
        EXECUTE format('ALTER TABLE reporting.%I RENAME COLUMN %I TO %I', k.table_name, old, odograph.fit(old || '_was_' || c.kind, old || k.revision || clock_timestamp()::text));
      END;
    END LOOP;
  END IF;
  UPDATE odograph.columns SET kind = p_kind, column_name = odograph.free_column_name(p_calc, p_counter, p_kind) WHERE calc_id = p_calc AND counter = p_counter RETURNING * INTO c;
  EXECUTE format('ALTER TABLE reporting.%I ADD COLUMN IF NOT EXISTS %I %s', k.table_name, c.column_name, odograph.column_type(p_kind));
  IF p_kind = 'geography' THEN
    EXECUTE format('ALTER TABLE reporting.%I ADD COLUMN IF NOT EXISTS %I double precision, ADD COLUMN IF NOT EXISTS %I double precision', k.table_name, c.column_name || '_latitude', c.column_name || '_longitude');
  END IF;
  EXECUTE format('COMMENT ON COLUMN reporting.%I.%I IS %L', k.table_name, c.column_name, format('counter %s: %s', p_counter,
    left((SELECT x::text FROM jsonb_array_elements(CASE WHEN jsonb_typeof(k.json -> 'counters') = 'array' THEN k.json -> 'counters' ELSE '[]' END) x WHERE x ->> 'name' = p_counter LIMIT 1), 1000)));
  PERFORM odograph.compile_statements(p_calc);
  RETURN was;
END $$;

-- Makes or follows a calculator: its table, its columns, its comments. Returns true if stored intervals must be taken over again.
CREATE OR REPLACE FUNCTION odograph.declare_calculator(p_calc bigint, p_name text, p_revision bigint, p_json jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  k odograph.calculators; n record; changed boolean := false; want text; made boolean := false;
  counters jsonb := CASE WHEN jsonb_typeof(p_json -> 'counters') = 'array' THEN p_json -> 'counters' ELSE '[]'::jsonb END;
BEGIN
  SELECT * INTO k FROM odograph.calculators WHERE calc_id = p_calc FOR UPDATE;
  IF FOUND AND k.revision = p_revision AND k.name = p_name AND k.json = p_json AND k.deleted_at IS NULL THEN RETURN false; END IF;
  INSERT INTO odograph.calculators AS c (calc_id, name, revision, json) VALUES (p_calc, p_name, p_revision, p_json)
  ON CONFLICT (calc_id) DO UPDATE SET name = EXCLUDED.name, revision = EXCLUDED.revision, json = EXCLUDED.json, deleted_at = NULL, updated_at = now() RETURNING * INTO k;
  IF k.table_name IS NULL THEN
    made := true;
    UPDATE odograph.calculators SET table_name = odograph.free_table_name(p_calc, p_name) WHERE calc_id = p_calc RETURNING * INTO k;
    EXECUTE format('CREATE TABLE reporting.%I (calc_id bigint NOT NULL, device_id bigint NOT NULL, interval_id bigint NOT NULL,
      begin_at timestamptz NOT NULL, end_at timestamptz NOT NULL, duration double precision NOT NULL, is_active boolean NOT NULL,
      calc_revision bigint NOT NULL, revision bigint NOT NULL, updated_at timestamptz NOT NULL,
      PRIMARY KEY (calc_id, device_id, interval_id))', k.table_name);
    EXECUTE format('CREATE INDEX ON reporting.%I (device_id, begin_at)', k.table_name);
    EXECUTE format('CREATE INDEX ON reporting.%I (begin_at)', k.table_name);
    PERFORM odograph.grant_table(format('reporting.%I', k.table_name));
  END IF;
  EXECUTE format('COMMENT ON TABLE reporting.%I IS %L', k.table_name, concat_ws(E'\n', format('Calculator %s: %s', p_calc, p_name), left(p_json -> 'metadata' ->> 'description', 4000)));
  UPDATE odograph.columns SET present = false WHERE calc_id = p_calc AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements(counters) x WHERE x ->> 'name' = counter);
  FOR n IN SELECT x ->> 'name' AS counter, ord, odograph.counter_kind(x) AS kind FROM jsonb_array_elements(counters) WITH ORDINALITY o(x, ord) WHERE x ->> 'name' IS NOT NULL ORDER BY ord LOOP
    -- metadata.columns {"driving.begin": "timestamp"} overrules what the definition tells
    want := COALESCE(CASE WHEN p_json -> 'metadata' -> 'columns' ->> n.counter IN ('number', 'text', 'boolean', 'timestamp', 'json', 'geography') THEN p_json -> 'metadata' -> 'columns' ->> n.counter END, n.kind);
    INSERT INTO odograph.columns AS c (calc_id, counter, number, declared, kind) VALUES (p_calc, n.counter, n.ord, want, 'any')
    ON CONFLICT (calc_id, counter) DO UPDATE SET number = EXCLUDED.number, declared = EXCLUDED.declared, present = true;
    -- What is not known yet is text until the first value decides.
    IF want <> 'any' OR NOT EXISTS (SELECT 1 FROM odograph.columns WHERE calc_id = p_calc AND counter = n.counter AND column_name IS NOT NULL) THEN
      changed := odograph.set_column(p_calc, n.counter, want) OR changed;
    END IF;
  END LOOP;
  PERFORM odograph.compile_statements(p_calc);
  RETURN changed OR (made AND EXISTS (SELECT 1 FROM odograph.intervals WHERE calc_id = p_calc));
END $$;

-- Grants on an object made later; a role that is missing is passed over.
CREATE OR REPLACE FUNCTION odograph.grant_table(p_object text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{{writer}}') THEN EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', p_object, '{{writer}}'); END IF;
  IF EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{{reader}}') THEN EXECUTE format('GRANT SELECT ON %s TO %I', p_object, '{{reader}}'); END IF;
END $$;

-- Drops the table of a calculator that the engine has deleted. Its intervals have gone by the feed before.
CREATE OR REPLACE FUNCTION odograph.forget_calculator(p_calc bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE k odograph.calculators;
BEGIN
  SELECT * INTO k FROM odograph.calculators WHERE calc_id = p_calc FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF k.table_name IS NOT NULL THEN
    BEGIN
      EXECUTE format('DROP TABLE IF EXISTS reporting.%I', k.table_name);
    EXCEPTION WHEN dependent_objects_still_exist THEN -- somebody's view reads it: it stays, empty, under another name
      EXECUTE format('DELETE FROM reporting.%I', k.table_name);
      EXECUTE format('ALTER TABLE reporting.%I RENAME TO %I', k.table_name, odograph.fit(k.table_name || ' deleted ' || p_calc, k.table_name || p_calc || clock_timestamp()::text));
    END;
  END IF;
  DELETE FROM odograph.columns WHERE calc_id = p_calc;
  UPDATE odograph.calculators SET table_name = NULL, upsert_sql = NULL, check_sql = NULL, deleted_at = COALESCE(deleted_at, now()) WHERE calc_id = p_calc;
END $$;

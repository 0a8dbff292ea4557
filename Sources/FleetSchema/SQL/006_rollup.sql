-- tracksolid.v_mileage_daily_cagg: a continuous aggregate under TimescaleDB, else a table of the same rows, kept by a
-- queue of vehicle-days that changed. The queue only grows at its end: a unique one would make writers wait.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

CREATE TABLE IF NOT EXISTS tracksolid.mileage_daily_dirty (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, imei text NOT NULL, day date NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE IF NOT EXISTS tracksolid.mileage_daily (
  imei text, day date, bucket timestamptz NOT NULL, points bigint, first_gps timestamptz, last_gps timestamptz,
  min_mileage_km double precision, max_mileage_km double precision, max_speed_kmh double precision, moving_points bigint,
  first_moving timestamptz, last_moving timestamptz, first_ignition timestamptz, refreshed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (imei, day));
CREATE INDEX IF NOT EXISTS mileage_daily_bucket ON tracksolid.mileage_daily (bucket);

CREATE OR REPLACE FUNCTION tracksolid.position_history_dirty() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE z text := reporting.setting('tz');   -- once a statement
BEGIN
  IF TG_OP IN ('INSERT', 'UPDATE') THEN
    INSERT INTO tracksolid.mileage_daily_dirty (imei, day) SELECT DISTINCT imei, (gps_time AT TIME ZONE z)::date FROM newrows;
  END IF;
  IF TG_OP IN ('DELETE', 'UPDATE') THEN
    INSERT INTO tracksolid.mileage_daily_dirty (imei, day) SELECT DISTINCT imei, (gps_time AT TIME ZONE z)::date FROM oldrows;
  END IF;
  RETURN NULL;
END $$;

-- Vehicle-days calculated again; -1 when another holds the lock. In READ COMMITTED only: each statement needs a later snapshot.
CREATE OR REPLACE FUNCTION tracksolid.refresh_mileage_daily(p_limit integer DEFAULT 20000) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE n integer; im text[]; dy date[]; started timestamptz := clock_timestamp();
BEGIN
  IF reporting.setting('storage') <> 'plain' THEN RETURN 0; END IF;
  IF NOT pg_try_advisory_xact_lock(920146) THEN RETURN -1; END IF;
  -- First the queue's rows go, then a later snapshot aggregates, so that every fix behind a row is visible.
  WITH q AS (DELETE FROM tracksolid.mileage_daily_dirty WHERE seq IN (SELECT seq FROM tracksolid.mileage_daily_dirty ORDER BY seq LIMIT p_limit) RETURNING imei, day),
       u AS (SELECT DISTINCT imei, day FROM q)
  SELECT array_agg(imei ORDER BY imei, day), array_agg(day ORDER BY imei, day) INTO im, dy FROM u;
  IF im IS NULL THEN RETURN 0; END IF;
  WITH z AS MATERIALIZED (SELECT value AS tz FROM reporting.settings WHERE key = 'tz'),
  d AS MATERIALIZED (SELECT x.imei, x.day, x.day::timestamp AT TIME ZONE z.tz AS lower, (x.day + 1)::timestamp AT TIME ZONE z.tz AS upper FROM unnest(im, dy) AS x(imei, day), z),
  agg AS (SELECT d.imei, d.day, d.lower AS bucket, a.* FROM d CROSS JOIN LATERAL (
            SELECT count(*) AS points, min(gps_time) AS first_gps, max(gps_time) AS last_gps, min(mileage_km) AS min_m, max(mileage_km) AS max_m,
                   max(speed_kmh) AS max_s, count(*) FILTER (WHERE speed_kmh >= 5) AS moving,
                   min(gps_time) FILTER (WHERE speed_kmh >= 5) AS f_mv, max(gps_time) FILTER (WHERE speed_kmh >= 5) AS l_mv, min(gps_time) FILTER (WHERE acc_status = 1) AS f_ign
            FROM tracksolid.position_history p WHERE p.imei = d.imei AND p.gps_time >= d.lower AND p.gps_time < d.upper) a),
  up AS (INSERT INTO tracksolid.mileage_daily AS m (imei, day, bucket, points, first_gps, last_gps, min_mileage_km, max_mileage_km, max_speed_kmh, moving_points, first_moving, last_moving, first_ignition)
         SELECT imei, day, bucket, points, first_gps, last_gps, min_m, max_m, max_s, moving, f_mv, l_mv, f_ign FROM agg WHERE points > 0
         ON CONFLICT (imei, day) DO UPDATE SET bucket = EXCLUDED.bucket, points = EXCLUDED.points, first_gps = EXCLUDED.first_gps, last_gps = EXCLUDED.last_gps,
           min_mileage_km = EXCLUDED.min_mileage_km, max_mileage_km = EXCLUDED.max_mileage_km, max_speed_kmh = EXCLUDED.max_speed_kmh,
           moving_points = EXCLUDED.moving_points, first_moving = EXCLUDED.first_moving, last_moving = EXCLUDED.last_moving, first_ignition = EXCLUDED.first_ignition, refreshed_at = now() RETURNING 1),
  del AS (DELETE FROM tracksolid.mileage_daily m USING agg WHERE m.imei = agg.imei AND m.day = agg.day AND agg.points = 0 RETURNING 1)
  SELECT (SELECT count(*) FROM up) + (SELECT count(*) FROM del) INTO n;
  PERFORM odograph.note_published('tracksolid.v_mileage_daily_cagg', n, started);
  RETURN n;
END $$;

DO $rollup$
DECLARE columns text := 'bucket, imei, points, first_gps, last_gps, min_mileage_km, max_mileage_km, max_speed_kmh, moving_points, first_moving, last_moving, first_ignition';
BEGIN
  IF reporting.setting('storage') = 'plain' THEN
    DROP TRIGGER IF EXISTS ph_dirty_i ON tracksolid.position_history;
    DROP TRIGGER IF EXISTS ph_dirty_u ON tracksolid.position_history;
    DROP TRIGGER IF EXISTS ph_dirty_d ON tracksolid.position_history;
    CREATE TRIGGER ph_dirty_i AFTER INSERT ON tracksolid.position_history REFERENCING NEW TABLE AS newrows FOR EACH STATEMENT EXECUTE FUNCTION tracksolid.position_history_dirty();
    CREATE TRIGGER ph_dirty_u AFTER UPDATE ON tracksolid.position_history REFERENCING NEW TABLE AS newrows OLD TABLE AS oldrows FOR EACH STATEMENT EXECUTE FUNCTION tracksolid.position_history_dirty();
    CREATE TRIGGER ph_dirty_d AFTER DELETE ON tracksolid.position_history REFERENCING OLD TABLE AS oldrows FOR EACH STATEMENT EXECUTE FUNCTION tracksolid.position_history_dirty();
    EXECUTE format('CREATE OR REPLACE VIEW tracksolid.v_mileage_daily_cagg AS SELECT %s FROM tracksolid.mileage_daily', columns);
  ELSIF to_regclass('tracksolid.v_mileage_daily_cagg') IS NULL THEN
    -- Follows spec/sql/03_rollup_ts.sql and 02_hyper_ts.sql; not run here: the extension was not at hand. The bucket's zone
    -- is fixed when it is made. compress_after exceeds start_offset, as the documentation advises.
    EXECUTE format($ts$CREATE MATERIALIZED VIEW tracksolid.v_mileage_daily_cagg WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
      SELECT time_bucket(INTERVAL '1 day', gps_time, %L) AS bucket, imei, count(*) AS points, min(gps_time) AS first_gps, max(gps_time) AS last_gps,
             min(mileage_km) AS min_mileage_km, max(mileage_km) AS max_mileage_km, max(speed_kmh) AS max_speed_kmh,
             count(*) FILTER (WHERE speed_kmh >= 5) AS moving_points, min(gps_time) FILTER (WHERE speed_kmh >= 5) AS first_moving,
             max(gps_time) FILTER (WHERE speed_kmh >= 5) AS last_moving, min(gps_time) FILTER (WHERE acc_status = 1) AS first_ignition
      FROM tracksolid.position_history GROUP BY 1, 2 WITH NO DATA$ts$, reporting.setting('tz'));
    BEGIN
      EXECUTE $ts$SELECT add_continuous_aggregate_policy('tracksolid.v_mileage_daily_cagg', start_offset => INTERVAL '35 days', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '15 minutes')$ts$;
      EXECUTE $ts$ALTER TABLE tracksolid.position_history SET (timescaledb.compress, timescaledb.compress_segmentby = 'imei', timescaledb.compress_orderby = 'gps_time')$ts$;
      EXECUTE $ts$SELECT add_compression_policy('tracksolid.position_history', INTERVAL '40 days')$ts$;
      IF COALESCE(reporting.setting('history_days')::integer, 0) > 0 THEN
        EXECUTE format('SELECT add_retention_policy(''tracksolid.position_history'', INTERVAL ''%s days'')', reporting.setting('history_days'));
      END IF;
    EXCEPTION WHEN feature_not_supported THEN
      RAISE NOTICE 'TimescaleDB runs under the apache licence: no policies (%)', SQLERRM;
    END;
  END IF;
END $rollup$;

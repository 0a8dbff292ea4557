-- Least privilege: the writer changes rows and makes no objects; the reader reads reports, never tokens.
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

REVOKE ALL ON SCHEMA odograph, reporting, tracksolid FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA odograph FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION reporting.refresh_v_trips(text), reporting.relabel(text[]), reporting.set_timezone(text), tracksolid.assign_driver(text, text, timestamptz, timestamptz),
  tracksolid.ensure_partitions(regclass, timestamptz, timestamptz, interval), tracksolid.drop_partitions(regclass, timestamptz), tracksolid.refresh_mileage_daily(integer) FROM PUBLIC;
DO $grants$
DECLARE w text := '{{writer}}'; r text := '{{reader}}'; t record;
BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = w) THEN
    EXECUTE format('GRANT USAGE ON SCHEMA odograph, reporting, tracksolid TO %I', w);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA odograph, reporting, tracksolid TO %I', w);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON odograph.migrations FROM %I', w);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA odograph, reporting, tracksolid TO %I', w);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA odograph, reporting, tracksolid TO %I', w);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA tracksolid GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', w);
    BEGIN
      IF NOT has_database_privilege(w, current_database(), 'TEMPORARY') THEN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), w); END IF;
    EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'the role % may not make temporary tables: GRANT TEMPORARY ON DATABASE', w; END;
  END IF;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = r) THEN
    EXECUTE format('GRANT USAGE ON SCHEMA odograph, reporting, tracksolid TO %I', r);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA reporting, tracksolid TO %I', r);
    EXECUTE format('REVOKE ALL ON tracksolid.api_token_cache FROM %I', r);
    EXECUTE format('GRANT EXECUTE ON FUNCTION odograph.as_number(jsonb), odograph.as_text(jsonb), odograph.as_boolean(jsonb), odograph.as_timestamp(jsonb), odograph.as_json(jsonb) TO %I', r);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA tracksolid GRANT SELECT ON TABLES TO %I', r);
  END IF;
END $grants$;
-- What a report must not do, whatever the role may: set where whoever migrates may set it.
RESET ROLE;
DO $limits$
BEGIN
  EXECUTE format('ALTER ROLE %I SET statement_timeout = %L', '{{reader}}', '30s');
  EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', '{{reader}}');
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN RAISE NOTICE 'limits of the role {{reader}} are not set';
END $limits$;
SELECT set_config('role', pg_get_userbyid(nspowner), true) FROM pg_namespace WHERE nspname = 'odograph' AND pg_has_role(nspowner, 'MEMBER');

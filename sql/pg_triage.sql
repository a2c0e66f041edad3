-- pg_triage: every SQL object of the extension. The one true file; the build copies it to
-- pg_triage--<version>.sql. Sections follow the data flow; each object has its COMMENT.

\echo Use "CREATE EXTENSION pg_triage" to load this file. \quit

-- ---------------------------------------------------------------------------------------------
-- Roles: triage_reader reads, triage_operator builds. Roles belong to the cluster, so they may exist
-- already, and they stay when the extension goes. (Names that begin with pg_ are PostgreSQL's own.)
-- ---------------------------------------------------------------------------------------------
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'triage_reader') THEN
        CREATE ROLE triage_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'triage_operator') THEN
        CREATE ROLE triage_operator NOLOGIN;
        GRANT triage_reader TO triage_operator;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA triage TO PUBLIC;

-- ---------------------------------------------------------------------------------------------
-- Audit: append-only; every action of the extension leaves a row.
-- ---------------------------------------------------------------------------------------------
CREATE TABLE triage.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor name NOT NULL DEFAULT session_user,
    action text NOT NULL,
    object text,
    job_id bigint,
    details jsonb
);
COMMENT ON TABLE triage.audit_log IS 'append-only record of every action of pg_triage; holds no values of user data';

CREATE FUNCTION triage.audit_log_is_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'triage.audit_log is append-only'
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = 'Rows of the audit trail can be neither changed nor removed.';
END
$$;
COMMENT ON FUNCTION triage.audit_log_is_append_only() IS 'refuses to change or remove rows of the audit trail';
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON triage.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION triage.audit_log_is_append_only();
GRANT SELECT ON triage.audit_log TO triage_reader;
SELECT pg_catalog.pg_extension_config_dump('triage.audit_log', '');

-- ---------------------------------------------------------------------------------------------
-- Statistics: what the sampler saw (hooks -> redact -> store).
-- ---------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------
-- Recommendations (workload -> candidates -> what-if -> select -> recommend).
-- ---------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------
-- Jobs (job -> build -> verify).
-- ---------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------
-- Data classes and targets.
-- ---------------------------------------------------------------------------------------------

-- ---------------------------------------------------------------------------------------------
-- Nothing beyond what is granted above: functions are not for PUBLIC unless said so.
-- ---------------------------------------------------------------------------------------------
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA triage FROM PUBLIC;

-- Who sees what of the statistics, and who may touch them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_triage CASCADE;
RESET client_min_messages;

CREATE TABLE visits (id int, status text);
INSERT INTO visits SELECT g, 'status ' || g % 3 FROM generate_series(1, 1000) g;
ANALYZE visits;
GRANT SELECT ON visits TO PUBLIC;
CREATE ROLE regress_sampler_nobody;
CREATE ROLE regress_sampler_reader IN ROLE triage_reader;
CREATE ROLE regress_sampler_monitor IN ROLE triage_reader, pg_read_all_stats;
CREATE ROLE regress_sampler_operator IN ROLE triage_operator;

SELECT triage.reset();
SELECT count(*) FROM visits WHERE status = 'status 1';
SET ROLE regress_sampler_reader;
SELECT count(*) FROM visits WHERE status = 'status 2' AND id > 5;

-- One's own statements only ...
SELECT left(query, 60) AS query, main_relation FROM triage.statements WHERE main_relation = 'visits'::regclass;
SELECT columns, shared_values FROM triage.access_patterns WHERE relation = 'visits'::regclass ORDER BY columns::text;
SELECT DISTINCT userid = 'regress_sampler_reader'::regrole AS own FROM triage.plans;
-- ... or everybody's, with pg_read_all_stats.
SET ROLE regress_sampler_monitor;
SELECT left(query, 60) AS query, main_relation FROM triage.statements WHERE main_relation = 'visits'::regclass ORDER BY query COLLATE "C";
SELECT columns, shared_values FROM triage.access_patterns WHERE relation = 'visits'::regclass ORDER BY columns::text;

-- Everybody may ask for the version, and for nothing else.
SET ROLE regress_sampler_nobody;
SELECT triage.version() = (SELECT extversion FROM pg_extension WHERE extname = 'pg_triage') AS version;
SELECT * FROM triage.statements;
SELECT * FROM triage.access_patterns;
SELECT * FROM triage.plans;
SELECT * FROM triage.statement_statistics();
SELECT * FROM triage.self_check();
SELECT triage.reset();

-- Readers read; operators may also start afresh, and that is on record.
SET ROLE regress_sampler_reader;
SELECT count(*) > 5 AS checks FROM triage.self_check();
SELECT triage.reset();
SELECT triage.dump_store();
SECURITY LABEL FOR pg_triage ON COLUMN visits.status IS 'public';
SET ROLE regress_sampler_operator;
SELECT triage.reset();
SELECT triage.reset_store();
SELECT triage.dump_store();
SET pg_triage.enabled = off;
SET pg_triage.min_shared_rows = 1;
RESET ROLE;
SELECT action, actor = session_user AS actor FROM triage.audit_log ORDER BY id DESC LIMIT 1;

-- The checks that do not hang on the machine.
SELECT "check", ok FROM triage.self_check()
 WHERE "check" NOT IN ('tables are analyzed', 'nothing was dropped', 'statistics file is written') ORDER BY "check" COLLATE "C";
CREATE TABLE never_analyzed WITH (autovacuum_enabled = off) AS SELECT 1 AS x;
SELECT ok, detail ~ 'never_analyzed' AS named, hint IS NOT NULL AS hint FROM triage.self_check() WHERE "check" = 'tables are analyzed';

DROP TABLE visits, never_analyzed;
DROP ROLE regress_sampler_nobody, regress_sampler_reader, regress_sampler_monitor, regress_sampler_operator;

DROP EXTENSION pg_triage, pg_stat_statements;

-- Prepared statements: a predicate of what a parameter always is helps custom plans only.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA modes;
SET search_path = modes, public;
CREATE TABLE encounters (id bigint PRIMARY KEY, ward_id int NOT NULL, status text NOT NULL, urgent bool NOT NULL, note text);
INSERT INTO encounters
SELECT i, i % 400, CASE WHEN i = 4711 THEN 'canary' WHEN i % 100 = 0 THEN 'open' ELSE 'closed' END, i % 200 = 0, repeat('y', 150)
  FROM generate_series(1, 40000) AS i;
SET default_statistics_target = 200;
VACUUM ANALYZE encounters;
CREATE VIEW found AS
SELECT kind, regexp_replace(ddl, '^.* USING ', '') AS definition, generic_plan_ok, regexp_replace(reason, '^[^;]*', '') AS reason
  FROM triage.recommend_indexes() ORDER BY ddl COLLATE "C";

-- Custom plans, as drivers get them that send parameters with an unnamed statement.
SELECT count(triage.reset()) AS reset;
PREPARE by_ward (int, text) AS SELECT * FROM encounters WHERE ward_id = $1 AND status = $2;
\o /dev/null
\set ECHO none
SET plan_cache_mode = force_custom_plan;
SELECT format('EXECUTE by_ward(%s, %L)', i, 'open') FROM generate_series(0, 390, 13) AS i \gexec
\o
\set ECHO all
SELECT * FROM found;

-- Generic plans now and then: what they lose counts by their share, and here decides.
\o /dev/null
\set ECHO none
SET plan_cache_mode = force_generic_plan;
SELECT format('EXECUTE by_ward(%s, %L)', i, 'open') FROM generate_series(0, 390) AS i \gexec
\o
\set ECHO all
SELECT kind, definition, generic_plan_ok, regexp_replace(reason, '\d+ %', 'most') AS reason FROM found;

-- A value that too few rows share is as good as unknown, and one of two is for a part of the executions.
SELECT count(triage.reset()) AS reset;
\o /dev/null
\set ECHO none
SET plan_cache_mode = force_custom_plan;
SELECT format('EXECUTE by_ward(%s, %L)', i, 'canary') FROM generate_series(0, 390, 13) AS i \gexec
\o
\set ECHO all
SELECT kind, generic_plan_ok FROM found;
SELECT count(*) AS leaks FROM triage.recommend_indexes() AS r WHERE r::text LIKE '%canary%';
SELECT count(triage.reset()) AS reset;
PREPARE urgent (bool) AS SELECT * FROM encounters WHERE urgent = $1;
\o /dev/null
\set ECHO none
SELECT 'EXECUTE urgent(true)' FROM generate_series(1, 20) \gexec
\o
\set ECHO all
SELECT * FROM found;
RESET ALL;

SET client_min_messages = warning;
DROP SCHEMA modes CASCADE;
DROP EXTENSION pg_triage;

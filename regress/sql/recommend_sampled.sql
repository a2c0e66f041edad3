-- Recommendations for the observed workload: pg_stat_statements' texts, the sampler's conditions.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA ward;
SET search_path = ward, public;

CREATE TABLE patient_records (
    id bigint PRIMARY KEY, mrn text NOT NULL, active bool NOT NULL, address text);
INSERT INTO patient_records
SELECT i, 'M' || i / 2, i % 4 = 0, repeat('x', 150) FROM generate_series(1, 30000) AS i;
CREATE TABLE encounters (
    id bigint PRIMARY KEY, ward_id int NOT NULL, status text NOT NULL, admitted_at timestamptz NOT NULL, reason text);
INSERT INTO encounters
SELECT i, i % 40, CASE WHEN i % 100 = 0 THEN 'open' WHEN i % 100 = 1 THEN 'planned' ELSE 'closed' END,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '10 minutes', repeat('y', 150)
  FROM generate_series(1, 40000) AS i;
CREATE TABLE vital_signs (
    id bigint PRIMARY KEY, patient_id bigint NOT NULL, recorded_at timestamptz NOT NULL, heart_rate int, note text);
INSERT INTO vital_signs
SELECT i, 1 + i * 31 % 3000, now() - (60000 - i) * interval '1 minute', 60 + i % 60, repeat('z', 60)
  FROM generate_series(1, 60000) AS i;
CREATE TABLE inferences (
    id bigint PRIMARY KEY, state text NOT NULL, priority int NOT NULL, created_at timestamptz NOT NULL, input text);
INSERT INTO inferences
SELECT i, CASE WHEN i % 300 = 0 THEN 'queued' WHEN i % 300 = 1 THEN 'running' WHEN i = 12345 THEN 'canary-state' ELSE 'done' END,
       i % 10, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute', repeat('w', 100)
  FROM generate_series(1, 30000) AS i;
CREATE TABLE log (id bigint, patient_id bigint, at timestamptz, what text);
INSERT INTO log SELECT i, i % 500, now(), repeat('l', 100) FROM generate_series(1, 10000) AS i;
VACUUM ANALYZE patient_records, encounters, vital_signs, inferences, log;
SELECT count(triage.reset()) AS reset;

-- The load. Texts with literals, prepared statements under custom and generic plans, what is written
-- as often as read, what nobody may know.
\o /dev/null
\set ECHO none
SELECT format('SELECT * FROM patient_records WHERE mrn = ''M%s'' AND active = true', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT * FROM encounters WHERE ward_id = %s AND status = %L ORDER BY admitted_at', i % 40, 'open') FROM generate_series(1, 30) AS i \gexec
SELECT format('SELECT * FROM vital_signs WHERE patient_id = %s AND recorded_at > now() - interval ''2 days''', i) FROM generate_series(1, 20) AS i \gexec
SELECT 'SELECT id FROM inferences WHERE state IN (''queued'', ''running'') ORDER BY priority DESC, created_at LIMIT 5' FROM generate_series(1, 200) \gexec
SELECT 'SELECT id FROM inferences WHERE state = ''canary-state''' FROM generate_series(1, 20) \gexec
PREPARE latest (bigint) AS SELECT * FROM vital_signs WHERE patient_id = $1 ORDER BY recorded_at DESC LIMIT 10;
SELECT format('EXECUTE latest (%s)', i) FROM generate_series(1, 20) AS i \gexec
SELECT 'INSERT INTO log SELECT i, i % 500, now(), ''x'' FROM generate_series(1, 100) AS i' FROM generate_series(1, 500) \gexec
SELECT 'SELECT * FROM log WHERE patient_id = 7' \gexec
\set ECHO all
\o

CREATE TEMP TABLE found AS SELECT * FROM triage.recommend_indexes();
SELECT relation, kind, regexp_replace(ddl, '^.* USING ', '') AS definition, queries, generic_plan_ok,
       top_queryid IS NOT NULL AS has_queryid
  FROM found ORDER BY ddl;
SELECT bool_and(details -> 'evidence' ->> 'source' = 'samples') AS sampled,
       bool_and((details ->> 'calls')::float8 >= 20) AS weighed
  FROM found;
SELECT count(*) AS leaks FROM found AS f WHERE f::text LIKE '%canary%';

-- Nothing that was found is the beginning of something else that was.
SELECT count(*) AS prefixes_or_duplicates
  FROM found a JOIN found b ON a.rank <> b.rank AND a.relation = b.relation
   AND starts_with(regexp_replace(b.ddl, '^.* USING ', ''), rtrim(regexp_replace(a.ddl, '^.* USING ', ''), ')'));

-- A run over the workload supersedes what it no longer finds; one over texts does not.
SELECT count(*) > 0 AS kept FROM triage.refresh_recommendations();
SELECT DISTINCT status FROM triage.recommendations;
SELECT status FROM triage.refresh_recommendations(ARRAY['SELECT * FROM encounters WHERE admitted_at = $1']);
DROP TABLE inferences;
SELECT count(*) > 0 AS kept FROM triage.refresh_recommendations();
SELECT status, count(*) > 0 AS some FROM triage.recommendations GROUP BY status ORDER BY status;
SELECT status FROM triage.recommendations WHERE ddl LIKE '%(admitted_at)%';

-- What the caller may not see does not count; what he may is planned as the role that ran it, also
-- where he has no right to the tables himself.
CREATE ROLE sampled_reader;
GRANT triage_reader TO sampled_reader;
SET ROLE sampled_reader;
SELECT count(*) FROM triage.recommend_indexes();
RESET ROLE;
GRANT pg_read_all_stats TO sampled_reader;
SET ROLE sampled_reader;
RESET search_path;
SELECT count(*) > 0 AS some FROM triage.recommend_indexes();
RESET ROLE;

-- Nor does anybody's function run as somebody else.
CREATE ROLE sampled_trickster;
CREATE SCHEMA tricks AUTHORIZATION sampled_trickster;
SET ROLE sampled_trickster;
CREATE TABLE tricks.bait (who name, note text);
INSERT INTO tricks.bait SELECT 'nobody', i FROM generate_series(1, 20000) AS i;
CREATE FUNCTION tricks.me() RETURNS name IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'sampled_trickster' THEN
        RAISE WARNING 'somebody else runs this';
    END IF;
    RETURN current_user;
END
$$;
SELECT note FROM tricks.bait WHERE who = tricks.me();
\o /dev/null
\set ECHO none
SELECT 'SELECT note FROM tricks.bait WHERE who = tricks.me()' FROM generate_series(1, 200) \gexec
\set ECHO all
\o
RESET ROLE;
SELECT ddl FROM triage.recommend_indexes(relations => ARRAY['tricks.bait'::regclass]);

DROP SCHEMA ward, tricks CASCADE;
SELECT count(*) FROM triage.recommend_indexes();
DROP OWNED BY sampled_reader, sampled_trickster;
DROP ROLE sampled_reader, sampled_trickster;
DROP EXTENSION pg_triage;

-- Recommendations for statements given as texts: which indexes, in which form, and which never.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA clinic;
SET search_path = clinic, public;

CREATE TABLE patient_records (
    id bigint PRIMARY KEY, mrn text NOT NULL, last_name text NOT NULL, birth_date date NOT NULL,
    active bool NOT NULL, notes text);
INSERT INTO patient_records
SELECT i, 'MRN' || lpad((i / 2)::text, 8, '0'), 'Name' || i % 5000, date '1930-01-01' + i % 30000,
       i % 10 = 0, repeat('x', 200)
  FROM generate_series(1, 30000) AS i;

CREATE TABLE encounters (
    id bigint PRIMARY KEY, patient_id bigint NOT NULL, ward_id int NOT NULL, status text NOT NULL,
    admitted_at timestamptz NOT NULL, summary text);
INSERT INTO encounters
SELECT i, 1 + i * 7919 % 30000, i % 40,
       CASE WHEN i % 100 = 0 THEN 'open' WHEN i = 77 THEN 'secret-status' ELSE 'closed' END,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '10 minutes', repeat('y', 150)
  FROM generate_series(1, 40000) AS i;

CREATE TABLE vital_signs (
    id bigint PRIMARY KEY, patient_id bigint NOT NULL, recorded_at timestamptz NOT NULL,
    heart_rate int, note text);
INSERT INTO vital_signs
SELECT i, 1 + i * 31 % 3000, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute',
       60 + i % 60, repeat('z', 60)
  FROM generate_series(1, 60000) AS i;

CREATE TABLE lab_results (
    id bigint PRIMARY KEY, patient_id bigint NOT NULL, critical bool NOT NULL,
    acknowledged_at timestamptz, resulted_at timestamptz NOT NULL, value text);
INSERT INTO lab_results
SELECT i, 1 + i * 17 % 3000, i % 50 = 0, CASE WHEN i % 500 = 0 THEN NULL ELSE now() END,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute', repeat('v', 80)
  FROM generate_series(1, 30000) AS i;

CREATE TABLE events (id bigint, kind int, payload text) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (15000);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (15000) TO (40000);
INSERT INTO events SELECT i, i % 2000, repeat('p', 100) FROM generate_series(1, 30000) AS i;
-- As many rows as the largest table has: no chance in what ANALYZE sees.
SET default_statistics_target = 200;
VACUUM ANALYZE patient_records, encounters, vital_signs, lab_results, events;

CREATE VIEW open_encounters AS SELECT * FROM encounters WHERE status = 'open';

CREATE FUNCTION recommended(VARIADIC queries text[])
RETURNS TABLE (rank int, kind text, ddl text, queries int, generic_plan_ok bool)
LANGUAGE sql AS $$
    SELECT r.rank, r.kind, regexp_replace(r.ddl, 'INDEX (CONCURRENTLY )?\S+ ON', 'INDEX \1ON'), r.queries,
           r.generic_plan_ok
      FROM triage.recommend_indexes($1) AS r
$$;

-- One statement, one index.
SELECT * FROM recommended('SELECT * FROM patient_records WHERE mrn = $1');
SELECT * FROM recommended('SELECT * FROM patient_records WHERE active AND mrn = $1');
SELECT * FROM recommended('SELECT * FROM vital_signs WHERE patient_id = $1 ORDER BY recorded_at DESC LIMIT 10');
SELECT * FROM recommended(
    'SELECT * FROM vital_signs WHERE patient_id = $1 AND recorded_at >= $2 AND recorded_at < $3');
SELECT * FROM recommended('SELECT * FROM encounters WHERE ward_id = $1 AND status = ''open''');
SELECT * FROM recommended(
    'SELECT * FROM lab_results WHERE critical AND acknowledged_at IS NULL ORDER BY resulted_at LIMIT 20');
-- Columns are included where that saves much of the whole: of many rows, not of a few.
SELECT * FROM recommended('SELECT heart_rate FROM vital_signs WHERE patient_id = $1');
SELECT * FROM recommended('SELECT avg(heart_rate) FROM vital_signs WHERE patient_id BETWEEN 100 AND 400');
SELECT * FROM recommended('SELECT * FROM patient_records WHERE lower(last_name) = $1');
SELECT * FROM recommended('SELECT * FROM patient_records WHERE mrn LIKE ''MRN000012%''');
SELECT * FROM recommended('SELECT * FROM open_encounters WHERE ward_id = 3');
SELECT * FROM recommended(
    'SELECT p.last_name, e.admitted_at FROM patient_records p JOIN encounters e ON e.patient_id = p.id WHERE p.id = $1');
SELECT * FROM recommended('SELECT max(recorded_at) FROM vital_signs WHERE patient_id = $1');
SELECT * FROM recommended('UPDATE lab_results SET acknowledged_at = now() WHERE patient_id = $1');
SELECT * FROM recommended('SELECT * FROM encounters WHERE patient_id = $1 OR admitted_at = $2');
SELECT * FROM recommended('SELECT * FROM events WHERE kind = $1');
-- What is sorted by is no value of a row.
SELECT * FROM recommended(
    'SELECT ward_id, sum(patient_id) FROM encounters WHERE status = ''open'' GROUP BY ward_id ORDER BY sum(patient_id) DESC LIMIT 5',
    'SELECT id, rank() OVER (ORDER BY heart_rate) FROM vital_signs WHERE patient_id = $1 ORDER BY rank() OVER (ORDER BY heart_rate)',
    'SELECT id FROM patient_records WHERE mrn = $1 ORDER BY generate_series(1, length(last_name))');

-- A parameter makes no partial index: a generic plan could not use it.
SELECT * FROM recommended('SELECT * FROM encounters WHERE ward_id = $1 AND status = $2');

-- The whole workload: no index twice, none that is the beginning of another.
CREATE TEMP TABLE found AS
SELECT * FROM triage.recommend_indexes(ARRAY[
    'SELECT * FROM patient_records WHERE active AND mrn = $1',
    'SELECT * FROM vital_signs WHERE patient_id = $1 ORDER BY recorded_at DESC LIMIT 10',
    'SELECT * FROM vital_signs WHERE patient_id = $1 AND recorded_at > now() - $2::interval',
    'SELECT * FROM vital_signs WHERE patient_id = $1',
    'SELECT * FROM encounters WHERE status = ''open'' AND ward_id = $1',
    'SELECT * FROM encounters WHERE status = ''open'' AND ward_id = $1 ORDER BY admitted_at',
    'SELECT * FROM lab_results WHERE critical AND acknowledged_at IS NULL ORDER BY resulted_at LIMIT 20']);
SELECT kind, regexp_replace(ddl, 'INDEX CONCURRENTLY \S+ ON', 'INDEX CONCURRENTLY ON') AS ddl, queries, generic_plan_ok
  FROM found ORDER BY 2;
SELECT count(*) AS prefixes_or_duplicates
  FROM found a JOIN found b ON a.rank <> b.rank AND a.relation = b.relation
   AND starts_with(regexp_replace(b.ddl, '^.* USING ', ''), rtrim(regexp_replace(a.ddl, '^.* USING ', ''), ')'));
SELECT bool_and(cost_after < cost_before AND improvement > 0 AND improvement <= 1 AND size_bytes > 0
                AND write_cost >= 0 AND reason LIKE 'Estimated %') AS plausible,
       bool_and(details ?& ARRAY['queryids', 'calls', 'statements', 'evidence', 'search']) AS explained,
       array_agg(rank ORDER BY improvement DESC) = array_agg(rank ORDER BY rank) AS best_first
  FROM found;

-- What is recommended and built is not recommended again.
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN SELECT replace(f.ddl, 'CONCURRENTLY ', '') FROM found f LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
SELECT * FROM recommended('SELECT * FROM patient_records WHERE active AND mrn = $1');
SELECT * FROM recommended('SELECT * FROM vital_signs WHERE patient_id = $1');
SELECT * FROM recommended('SELECT * FROM vital_signs WHERE patient_id = $1 ORDER BY recorded_at LIMIT 1');
DO $$
DECLARE index regclass;
BEGIN
    FOR index IN SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                  WHERE c.relnamespace = 'clinic'::regnamespace AND NOT i.indisprimary LOOP
        EXECUTE format('DROP INDEX %s', index);
    END LOOP;
END
$$;

-- Limits.
SELECT count(*) FROM triage.recommend_indexes(ARRAY[
    'SELECT * FROM patient_records WHERE mrn = $1', 'SELECT * FROM encounters WHERE patient_id = $1'], max_indexes => 1);
SELECT count(*) FROM triage.recommend_indexes(ARRAY['SELECT * FROM patient_records WHERE mrn = $1'], max_indexes => 0);
SELECT count(*) FROM triage.recommend_indexes(ARRAY['SELECT * FROM patient_records WHERE mrn = $1'], budget_bytes => 8192);
SET pg_triage.storage_budget = 0;
SELECT count(*) FROM triage.recommend_indexes(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
RESET pg_triage.storage_budget;
SELECT relation FROM triage.recommend_indexes(ARRAY[
    'SELECT * FROM patient_records WHERE mrn = $1', 'SELECT * FROM encounters WHERE patient_id = $1'],
    relations => ARRAY['encounters'::regclass]);
SELECT sum(size_bytes) <= 1000000 AS within_budget FROM triage.recommend_indexes(ARRAY[
    'SELECT * FROM patient_records WHERE mrn = $1', 'SELECT * FROM encounters WHERE patient_id = $1',
    'SELECT * FROM vital_signs WHERE patient_id = $1'], budget_bytes => 1000000);
SELECT count(*) FROM triage.recommend_indexes('{}');

-- A value that too few rows share never gets into an answer.
SELECT * FROM recommended('SELECT * FROM encounters WHERE status = ''secret-status'' AND ward_id = 37');
SELECT count(*) AS leaks FROM triage.recommend_indexes(ARRAY[
    'SELECT * FROM encounters WHERE status = ''secret-status'' ORDER BY admitted_at',
    'SELECT * FROM encounters WHERE status IN (''open'', ''secret-status'') AND ward_id = 1',
    'SELECT * FROM encounters WHERE status = ''open'' OR status = ''secret-status''',
    'SELECT * FROM patient_records WHERE last_name = ''Name4711''']) AS r
 WHERE r::text ~ 'secret-status|Name4711';
SET pg_triage.min_shared_rows = 100000;
SELECT * FROM recommended('SELECT * FROM encounters WHERE ward_id = $1 AND status = ''open''');
RESET pg_triage.min_shared_rows;

-- A table that is written more than it is read gets nothing.
SELECT count(*) FROM triage.recommend_indexes(
    array_fill('INSERT INTO vital_signs VALUES ($1, $2, $3, $4, $5)'::text, ARRAY[50000])
    || 'SELECT * FROM vital_signs WHERE patient_id = $1'::text);

-- Nothing to gain.
SELECT * FROM recommended('SELECT * FROM patient_records WHERE id = $1');
SELECT * FROM recommended('SELECT count(*) FROM patient_records');
SELECT * FROM recommended('SELECT 1');
SELECT * FROM recommended('SELECT * FROM pg_class WHERE relpages = 3');

-- Kept, with an id and a status of its own.
SELECT id, status, kind FROM triage.refresh_recommendations(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
SELECT id, status, kind FROM triage.refresh_recommendations(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
UPDATE triage.recommendations SET status = 'dismissed';
SELECT id, status, kind FROM triage.refresh_recommendations(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
UPDATE triage.recommendations SET status = 'superseded';
SELECT id, status, kind FROM triage.refresh_recommendations(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
SELECT id, rank, relation, status, kind, queries, last_seen >= first_seen AS seen, fingerprint FROM triage.recommendations;
SELECT action, details FROM triage.audit_log WHERE action = 'refresh_recommendations';

-- Bad input.
SELECT * FROM triage.recommend_indexes(ARRAY['SELECT FROM WHERE']);
SELECT * FROM triage.recommend_indexes(ARRAY['SELECT * FROM no_such_table']);
SELECT * FROM triage.recommend_indexes(ARRAY['VACUUM']);
SELECT * FROM triage.recommend_indexes(ARRAY['SELECT 1; SELECT 2']);
SELECT * FROM triage.recommend_indexes(ARRAY['']);
SELECT * FROM triage.recommend_indexes(ARRAY[NULL]);
SELECT * FROM triage.recommend_indexes('{}', budget_bytes => -1);
SELECT * FROM triage.recommend_indexes('{}', max_indexes => -1);
SELECT * FROM triage.recommend_indexes('{}', min_improvement => 2);
SELECT * FROM triage.recommend_indexes('{}', min_improvement => 'NaN');
SELECT * FROM triage.recommend_indexes('{}', relations => ARRAY['open_encounters'::regclass]);
SELECT * FROM triage.recommend_indexes('{}', relations => ARRAY[NULL::regclass]);
SELECT * FROM triage.recommend_indexes('{}', relations => ARRAY['pg_class'::regclass]);

-- Odd names, and a temporary table, for which nothing is recommended.
CREATE TABLE "Ward Ü" ("Bett Nr" int, "select" text, pad text);
INSERT INTO "Ward Ü" SELECT i, 's' || i, repeat('q', 100) FROM generate_series(1, 20000) AS i;
ANALYZE "Ward Ü";
SELECT * FROM recommended('SELECT * FROM "Ward Ü" WHERE "Bett Nr" = $1');
CREATE TEMP TABLE scratch AS SELECT i FROM generate_series(1, 20000) AS i;
SELECT * FROM recommended('SELECT * FROM scratch WHERE i = $1');

-- Who may.
CREATE ROLE recommend_reader;
GRANT triage_reader TO recommend_reader;
GRANT USAGE ON SCHEMA clinic TO recommend_reader;
SET ROLE recommend_reader;
SELECT * FROM triage.recommend_indexes(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
SELECT * FROM triage.refresh_recommendations('{}');
RESET ROLE;
GRANT SELECT ON patient_records TO recommend_reader;
SET ROLE recommend_reader;
SELECT kind FROM triage.recommend_indexes(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
RESET ROLE;
CREATE ROLE recommend_operator;
GRANT triage_operator TO recommend_operator;
GRANT USAGE ON SCHEMA clinic TO recommend_operator;
GRANT SELECT ON patient_records TO recommend_operator;
SET ROLE recommend_operator;
SELECT kind, status FROM triage.refresh_recommendations(ARRAY['SELECT * FROM patient_records WHERE mrn = $1']);
INSERT INTO triage.recommendations (fingerprint) VALUES ('x');
RESET ROLE;

DROP SCHEMA clinic CASCADE;
DROP OWNED BY recommend_reader, recommend_operator;
DROP ROLE recommend_reader, recommend_operator;
DROP EXTENSION pg_triage;

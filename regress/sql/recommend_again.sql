-- Built, sampled again, looked at again: nothing new. What an index takes the place of is said.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA ward;
SET search_path = ward, public;

CREATE TABLE patient_records (
    id bigint PRIMARY KEY, mrn text NOT NULL, active bool NOT NULL, phone text, address text);
INSERT INTO patient_records
SELECT i, 'M' || i / 2, i % 4 = 0, i, repeat('x', 150) FROM generate_series(1, 30000) AS i;
CREATE TABLE vital_signs (
    id bigint PRIMARY KEY, patient_id bigint NOT NULL, recorded_at timestamptz NOT NULL, kind int, value real);
INSERT INTO vital_signs
SELECT i, 1 + i * 31 % 3000, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 minute', i % 6, i % 60
  FROM generate_series(1, 60000) AS i;
VACUUM ANALYZE patient_records, vital_signs;

CREATE PROCEDURE load() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 30 LOOP
        EXECUTE format('SELECT mrn, phone FROM patient_records WHERE mrn = %L AND active', 'M' || i);
        EXECUTE format('SELECT recorded_at, kind, value FROM vital_signs WHERE patient_id = %s
                         ORDER BY recorded_at DESC LIMIT 10', i);
    END LOOP;
END
$$;
SET pg_stat_statements.track = 'all';
SET plan_cache_mode = force_custom_plan;
SELECT count(triage.reset()) AS reset;
CALL load();
CREATE TEMP TABLE found AS SELECT * FROM triage.recommend_indexes();
SELECT regexp_replace(ddl, '^.* ON ', '') AS definition, queries FROM found ORDER BY ddl;

SELECT replace(ddl, 'CONCURRENTLY ', '') FROM found ORDER BY ddl \gexec
VACUUM ANALYZE patient_records, vital_signs;
-- With the old samples, where the time went that the indexes save, and with new ones alone.
CALL load();
SELECT ddl FROM triage.recommend_indexes();
SELECT count(triage.reset()) AS reset;
CALL load();
SELECT ddl FROM triage.recommend_indexes();

-- An index that others will not be needed beside names them, but none that keeps a promise.
DROP INDEX vital_signs_patient_id_recorded_at_desc_idx;
CREATE INDEX vital_signs_patient ON vital_signs (patient_id);
CREATE UNIQUE INDEX vital_signs_once ON vital_signs (patient_id, id);
INSERT INTO vital_signs
SELECT 100000 + i, 7, timestamptz '2025-01-01 00:00:00+00' + i * interval '1 second', 1, 1
  FROM generate_series(1, 20000) AS i;
VACUUM ANALYZE vital_signs;
SELECT regexp_replace(ddl, '^.* ON ', '') AS definition, details -> 'makes_redundant' AS makes_redundant,
       substring(reason FROM 'nobody .*') AS said
  FROM triage.recommend_indexes(ARRAY['SELECT * FROM vital_signs WHERE patient_id = 7 ORDER BY recorded_at DESC LIMIT 10']);

DROP SCHEMA ward CASCADE;
DROP EXTENSION pg_triage;

-- triage.assert_uses_index: a check for migrations and CI.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA assertion;
SET search_path = assertion;

CREATE TABLE big (id int PRIMARY KEY, patient_id int, note text) WITH (autovacuum_enabled = off);
INSERT INTO big SELECT g, g % 1000, 'note' FROM generate_series(1, 20000) g;
CREATE TABLE small (id int, note text) WITH (autovacuum_enabled = off);
INSERT INTO small SELECT g FROM generate_series(1, 100) g;
CREATE TABLE parts (id int, ward int, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-07-01') WITH (autovacuum_enabled = off);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-07-01') TO ('2025-01-01') WITH (autovacuum_enabled = off);
INSERT INTO parts SELECT g, g % 40, date '2024-01-01' + g % 360 FROM generate_series(1, 16000) g;
ANALYZE big, small, parts;

SELECT triage.assert_uses_index('SELECT * FROM big WHERE id = 5');
SELECT triage.assert_uses_index('SELECT * FROM big WHERE id = $1');
SELECT triage.assert_uses_index('SELECT * FROM small');
SELECT triage.assert_uses_index('SELECT * FROM big WHERE patient_id = 5', 20000);
SELECT triage.assert_uses_index('SELECT * FROM big WHERE patient_id = 5', 19999);
SELECT triage.assert_uses_index('SELECT * FROM big WHERE patient_id = $1');
SELECT triage.assert_uses_index('UPDATE big SET note = NULL WHERE patient_id = 5');
SELECT triage.assert_uses_index('SELECT * FROM small s WHERE EXISTS (SELECT FROM big b WHERE b.patient_id = s.id)');
SELECT triage.assert_uses_index('SELECT (SELECT max(patient_id) FROM big), count(*) FROM parts');
-- Partitions count together, but only those that are read.
SELECT triage.assert_uses_index('SELECT * FROM parts WHERE ward = 1');
SELECT triage.assert_uses_index('SELECT * FROM parts WHERE ward = 1 AND at < ''2024-06-01''');
-- By parallel workers as well.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT triage.assert_uses_index('SELECT count(*) FROM big');
RESET ALL;
SET search_path = assertion;
CREATE INDEX ON big (patient_id);
SELECT triage.assert_uses_index('SELECT * FROM big WHERE patient_id = 5');

-- The SQLSTATE says that an assertion failed.
DO $$
BEGIN
    PERFORM triage.assert_uses_index('SELECT * FROM assertion.big WHERE note = ''''');
EXCEPTION WHEN assert_failure THEN
    RAISE WARNING 'caught %', SQLSTATE;
END $$;
SELECT triage.assert_uses_index(NULL);
SELECT triage.assert_uses_index('SELECT 1', NULL);
SELECT triage.assert_uses_index('SELECT 1', -1);
SELECT triage.assert_uses_index('DROP TABLE big');

DROP SCHEMA assertion CASCADE;
DROP EXTENSION pg_triage, pg_stat_statements;

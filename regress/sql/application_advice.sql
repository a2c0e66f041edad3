-- How clients ask: each pattern is found where it is, by its figures, and a statement that behaves is left alone.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_triage CASCADE;
RESET client_min_messages;
SET max_parallel_workers_per_gather = 0;

CREATE TABLE patients (id int PRIMARY KEY, ward text) WITH (autovacuum_enabled = off);
CREATE TABLE letters (id int PRIMARY KEY, patient_id int, body text) WITH (autovacuum_enabled = off);
INSERT INTO patients SELECT g, 'ward ' || g % 7 FROM generate_series(1, 5000) g;
ALTER TABLE letters ALTER body SET STORAGE PLAIN;
INSERT INTO letters SELECT g, g, repeat('x', 2000) FROM generate_series(1, 500) g;
VACUUM ANALYZE patients, letters;

CREATE VIEW advice AS
SELECT pattern, query, main_relation, executions, round(figure::numeric, 1) AS figure, unit, evidence
  FROM triage.application_advice ORDER BY pattern, query COLLATE "C";

-- A statement for each row of a list, in four transactions.
SELECT triage.reset();
PREPARE patient(int) AS SELECT id, ward FROM patients WHERE id = $1;
\set ECHO none
\o /dev/null
SELECT CASE n WHEN 0 THEN 'BEGIN' WHEN 13 THEN 'COMMIT' ELSE format('EXECUTE patient(%s)', n) END
  FROM generate_series(1, 4) r, generate_series(0, 13) n ORDER BY r, n \gexec
\o
\set ECHO all
SELECT * FROM advice;

-- No habit: as often, each in a transaction of its own; fewer in one; twice only; in functions and triggers;
-- all of a table instead of a key.
SELECT triage.reset();
CREATE FUNCTION look(times int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    FOR i IN 1..times LOOP
        SELECT lower(ward) INTO found FROM patients WHERE id = i;
        FOR found IN SELECT upper(ward) FROM patients WHERE id = i LOOP
        END LOOP;
    END LOOP;
    RETURN found;
END
$$;
ALTER TABLE letters ADD FOREIGN KEY (patient_id) REFERENCES patients;
\set ECHO none
\o /dev/null
SELECT format('SELECT ward, id FROM patients WHERE id = %s', n) FROM generate_series(1, 60) n \gexec
SELECT CASE n WHEN 0 THEN 'BEGIN' WHEN 10 THEN 'COMMIT' ELSE format('SELECT ward || id FROM patients WHERE id = %s', n) END
  FROM generate_series(1, 4) r, generate_series(0, 10) n ORDER BY r, n \gexec
SELECT CASE n WHEN 0 THEN 'BEGIN' WHEN 13 THEN 'COMMIT' ELSE format('SELECT id || ward FROM patients WHERE id = %s', n) END
  FROM generate_series(1, 2) r, generate_series(0, 13) n ORDER BY r, n \gexec
SELECT 'SELECT look(20)' FROM generate_series(1, 4) \gexec
SELECT format('INSERT INTO letters SELECT %s + g, g FROM generate_series(1, 20) g', 1000 * r) FROM generate_series(1, 4) r \gexec
SELECT CASE n WHEN 0 THEN 'BEGIN' WHEN 13 THEN 'COMMIT' ELSE 'SELECT max(id) FROM letters' END
  FROM generate_series(1, 4) r, generate_series(0, 13) n ORDER BY r, n \gexec
\o
\set ECHO all
SELECT * FROM advice;
SELECT query, calls FROM triage.statements WHERE main_relation = 'patients'::regclass AND query LIKE '%patients WHERE%' ORDER BY query COLLATE "C";

-- Writes row by row.
SELECT triage.reset();
\set ECHO none
\o /dev/null
SELECT CASE n WHEN 0 THEN 'BEGIN' WHEN 13 THEN 'COMMIT' ELSE format('UPDATE patients SET ward = ''ward 0'' WHERE id = %s', n) END
  FROM generate_series(1, 4) r, generate_series(0, 13) n ORDER BY r, n \gexec
\o
\set ECHO all
SELECT * FROM advice;

-- Lists: without a LIMIT; with one, once only, as the source of an INSERT, in a function: no habit.
CREATE TABLE copied (id int, ward text);
CREATE FUNCTION add_up() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint := 0;
    x int;
BEGIN
    FOR x IN SELECT id + 1 FROM patients LOOP
        total := total + x;
    END LOOP;
    RETURN total;
END
$$;
SELECT triage.reset();
\set ECHO none
\o /dev/null
SELECT s FROM generate_series(1, 3), unnest(ARRAY[
    'SELECT * FROM patients ORDER BY ward',
    'SELECT id, ward FROM patients WHERE id > 10',
    'SELECT ward FROM patients ORDER BY id LIMIT ALL',
    'SELECT ward, id FROM patients ORDER BY id LIMIT 1000',
    'INSERT INTO copied SELECT id, ward FROM patients',
    'SELECT count(*) FROM patients',
    'SELECT add_up()']) AS s \gexec
SELECT id, ward, 1 FROM patients;
\o
\set ECHO all
SELECT * FROM advice;

-- OFFSET: deep; shallow, or deeper than there are rows.
SELECT triage.reset();
\set ECHO none
\o /dev/null
SELECT s FROM generate_series(1, 3) r, unnest(ARRAY[
    format('SELECT id FROM patients ORDER BY id LIMIT 20 OFFSET %s', 1000 * r),
    format('SELECT id, ward FROM patients ORDER BY id LIMIT 20 OFFSET %s', 20 * r),
    format('SELECT ward, id FROM patients WHERE id < 30 ORDER BY id LIMIT 20 OFFSET %s', 1000 * r)]) AS s \gexec
\o
\set ECHO all
SELECT * FROM advice;

-- Wide rows: many; one, and many without the wide column, are none.
SELECT triage.reset();
\set ECHO none
\o /dev/null
SELECT s FROM generate_series(1, 3), unnest(ARRAY[
    'SELECT * FROM letters WHERE id <= 400 ORDER BY id LIMIT 200',
    'SELECT l.* FROM letters l WHERE id = 1',
    'SELECT id, patient_id FROM letters LIMIT 200']) AS s \gexec
\o
\set ECHO all
SELECT * FROM advice;
SELECT pattern, advice FROM triage.application_advice;

-- Nothing is noticed where nothing is sampled; nobody sees what others ask.
SELECT triage.reset();
SET pg_triage.sample_rate = 0;
\set ECHO none
\o /dev/null
SELECT 'SELECT * FROM patients ORDER BY ward' FROM generate_series(1, 3) \gexec
\o
\set ECHO all
RESET pg_triage.sample_rate;
SELECT * FROM advice;
\set ECHO none
\o /dev/null
SELECT 'SELECT * FROM patients ORDER BY ward' FROM generate_series(1, 3) \gexec
\o
\set ECHO all
SELECT pattern FROM advice;
CREATE ROLE regress_advice_reader IN ROLE triage_reader;
SET ROLE regress_advice_reader;
SELECT count(*) FROM triage.application_advice;
RESET ROLE;
DROP ROLE regress_advice_reader;

DROP VIEW advice;
DROP FUNCTION look, add_up;
DROP TABLE patients, letters, copied;
DROP EXTENSION pg_triage, pg_stat_statements;

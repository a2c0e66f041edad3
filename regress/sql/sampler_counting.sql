-- Which statements are counted, however they come: each row below is one that the executor finished.
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pg_triage;

CREATE TABLE admissions (id int PRIMARY KEY, ward int, note text) WITH (autovacuum_enabled = off);
CREATE TABLE beds (ward int PRIMARY KEY, taken int) WITH (autovacuum_enabled = off);
INSERT INTO beds SELECT g, 0 FROM generate_series(1, 10) g;
CREATE FUNCTION take_bed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE beds SET taken = taken + 1 WHERE ward = NEW.ward;
    RETURN NULL;
END
$$;
CREATE TRIGGER take_bed AFTER INSERT ON admissions FOR EACH ROW EXECUTE FUNCTION take_bed();

CREATE VIEW counted AS
SELECT main_relation::regclass, s.calls, s.rows, s.query IS NULL AS only_nested
  FROM triage.statements s WHERE main_relation IN ('admissions'::regclass, 'beds'::regclass)
 ORDER BY 1, 2, 3;

-- A trigger's statement, once a row.
SELECT triage.reset();
INSERT INTO admissions VALUES (1, 1), (2, 1), (3, 2);
SELECT * FROM counted;

-- A foreign key's own query, which is SQL like any other.
ALTER TABLE admissions ADD FOREIGN KEY (ward) REFERENCES beds;
SELECT triage.reset();
ALTER TABLE admissions DISABLE TRIGGER take_bed;
INSERT INTO admissions VALUES (4, 3);
ALTER TABLE admissions ENABLE TRIGGER take_bed;
SELECT * FROM counted;

-- DO is not a statement of the executor; what it runs is.
SELECT triage.reset();
DO $$
BEGIN
    FOR i IN 1..3 LOOP
        PERFORM count(*) FROM beds WHERE taken > 1;
    END LOOP;
END
$$;
SELECT * FROM counted;

-- COPY from a query is one; COPY of a table and into one is none, but for what triggers do.
SELECT triage.reset();
COPY (SELECT ward FROM beds WHERE taken = 2) TO STDOUT;
COPY beds TO STDOUT;
SELECT * FROM counted;
SELECT triage.reset();
COPY admissions FROM STDIN;
5	4	\N
6	4	\N
\.
SELECT * FROM counted;

-- A prepared statement counts each time, planned anew or not.
SELECT triage.reset();
PREPARE of_ward(int) AS SELECT count(*) FROM admissions WHERE ward = $1;
EXECUTE of_ward(1);
SET plan_cache_mode = force_generic_plan;
EXECUTE of_ward(2);
RESET plan_cache_mode;
SELECT * FROM counted;

-- Maintenance reads tables without the executor.
SELECT triage.reset();
VACUUM ANALYZE admissions, beds;
REINDEX TABLE beds;
SELECT * FROM counted;

-- What was rolled back had been executed.
SELECT triage.reset();
BEGIN;
DELETE FROM admissions WHERE id = 4;
ROLLBACK;
SELECT * FROM counted;

DROP VIEW counted;
DROP TABLE admissions, beds;
DROP FUNCTION take_bed;
DROP EXTENSION pg_triage, pg_stat_statements;

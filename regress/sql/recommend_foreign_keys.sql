-- Foreign keys without an index: what deleting a row that others refer to costs.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA "Keys";
SET search_path = "Keys", public;
CREATE TABLE wards (hospital int, ward int, name text, PRIMARY KEY (hospital, ward));
INSERT INTO wards SELECT i % 10, i, 'ward ' || i FROM generate_series(1, 1000) AS i;
CREATE TABLE patients (id bigint PRIMARY KEY, name text);
INSERT INTO patients SELECT i, 'patient ' || i FROM generate_series(1, 5000) AS i;
CREATE TABLE visits (id bigint PRIMARY KEY, patient bigint NOT NULL, hospital int, ward int, note text);
INSERT INTO visits SELECT i, 1 + i % 4000, (1 + i % 500) % 10, 1 + i % 500, repeat('x', 100) FROM generate_series(1, 40000) AS i;
ALTER TABLE visits ADD CONSTRAINT of_patient FOREIGN KEY (patient) REFERENCES patients ON DELETE CASCADE,
                   ADD CONSTRAINT in_ward FOREIGN KEY (hospital, ward) REFERENCES wards;
CREATE TABLE letters (id bigint, patient bigint REFERENCES patients (id)) PARTITION BY RANGE (id);
CREATE TABLE letters_1 PARTITION OF letters FOR VALUES FROM (0) TO (20000);
CREATE TABLE letters_2 PARTITION OF letters FOR VALUES FROM (20000) TO (40001);
INSERT INTO letters SELECT i, 1 + i % 4000 FROM generate_series(1, 40000) AS i;
CREATE TABLE indexed (id bigint PRIMARY KEY, ward int, hospital int, FOREIGN KEY (hospital, ward) REFERENCES wards);
CREATE INDEX ON indexed (ward, hospital, id);
VACUUM ANALYZE wards, patients, visits, letters, indexed;
SELECT foreign_key, relation, columns, referenced, table_bytes > 0 AS size, ddl FROM triage.unindexed_foreign_keys ORDER BY 1;

CREATE FUNCTION recommended(VARIADIC queries text[]) RETURNS TABLE (relation regclass, definition text, queries int, reason text)
LANGUAGE sql AS $$
    SELECT r.relation, regexp_replace(r.ddl, '^.* USING ', ''), r.queries, regexp_replace(r.reason, '^[^;]*', '')
      FROM triage.recommend_indexes($1) AS r ORDER BY r.ddl COLLATE "C"
$$;
SELECT * FROM recommended('DELETE FROM patients WHERE id = $1');
SELECT * FROM recommended('UPDATE wards SET ward = $1 WHERE hospital = $2 AND ward = $3');
-- Nobody refers to the name.
SELECT * FROM recommended('UPDATE wards SET name = $1 WHERE hospital = $2 AND ward = $3');
SELECT * FROM recommended('DELETE FROM visits WHERE id = $1');
-- Who may not read a table learns nothing of it.
CREATE ROLE keys_clerk IN ROLE triage_reader;
GRANT USAGE ON SCHEMA "Keys" TO keys_clerk;
GRANT SELECT, DELETE ON patients TO keys_clerk;
SET ROLE keys_clerk;
SELECT * FROM recommended('DELETE FROM patients WHERE id = $1');
SELECT count(*) FROM triage.unindexed_foreign_keys;
RESET ROLE;

-- As observed, in the share that deletions have of the whole; the build is verified by the deletions.
SELECT count(triage.reset()) AS reset;
\o /dev/null
\set ECHO none
SELECT format('DELETE FROM patients WHERE id = %s', i) FROM generate_series(4001, 4030) AS i \gexec
\o
\set ECHO all
SELECT r.relation, regexp_replace(r.ddl, '^.* USING ', '') AS definition, r.top_queryid = s.queryid AS of_the_deletion
  FROM triage.recommend_indexes() AS r, triage.statements AS s WHERE s.query LIKE 'DELETE FROM patients%' ORDER BY 1;
SELECT triage.ensure_index(ddl) AS job FROM triage.unindexed_foreign_keys WHERE foreign_key = 'of_patient' \gset
CALL triage.wait_for_job(:job);
SELECT foreign_key FROM triage.unindexed_foreign_keys ORDER BY 1;
SELECT relation FROM triage.recommend_indexes();

DROP SCHEMA "Keys" CASCADE;
DROP ROLE keys_clerk;
DROP EXTENSION pg_triage;

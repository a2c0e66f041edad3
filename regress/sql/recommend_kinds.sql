-- Recommendations of kinds other than plain columns in a B-tree, and what no index can be made of.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA kinds;
SET search_path = kinds, public;

CREATE TABLE documents (id bigint PRIMARY KEY, patient_id int NOT NULL, form json, note text);
INSERT INTO documents
SELECT i, i % 4000, json_build_object('signed', CASE WHEN i % 1000 > 0 THEN i END), repeat('x', 100)
  FROM generate_series(1, 30000) AS i;
VACUUM ANALYZE documents;

CREATE FUNCTION recommended(VARIADIC queries text[]) RETURNS TABLE (kind text, definition text, queries int)
LANGUAGE sql AS $$
    SELECT r.kind, regexp_replace(r.ddl, '^.* USING ', ''), r.queries FROM triage.recommend_indexes($1) AS r
$$;

-- What cannot be indexed does not keep the rest from it.
SELECT * FROM recommended('SELECT * FROM documents WHERE (form -> ''signed'') IS NULL AND patient_id = $1');
SELECT * FROM recommended('SELECT id FROM documents WHERE (form -> ''signed'') IS NULL');
SELECT * FROM recommended('SELECT * FROM documents WHERE tableoid::bigint + 1 = 5');
SELECT * FROM recommended('SELECT * FROM documents AS d WHERE num_nulls(VARIADIC ARRAY[d.*::text]) = 5 AND patient_id = $1');

DROP SCHEMA kinds CASCADE;
DROP EXTENSION pg_triage, pg_stat_statements;

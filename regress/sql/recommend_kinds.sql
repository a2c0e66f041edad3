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
CREATE EXTENSION pg_trgm;
CREATE TABLE notes (id int PRIMARY KEY, ward int NOT NULL, open bool NOT NULL, name text, form jsonb, tags text[], words tsvector, corners point[]);
INSERT INTO notes
SELECT i, i % 50, i % 100 = 0, 'Name ' || md5(i::text), jsonb_build_object('kind', 'k' || i % 300, 'n', i, 'a', i % 7),
       ARRAY['t' || i % 500, 'u' || i % 40], to_tsvector('simple', 'word' || i % 2000 || ' other' || i % 30), ARRAY[point(i, i)]
  FROM generate_series(1, 30000) AS i;
CREATE TABLE readings (id bigint NOT NULL, at timestamptz NOT NULL, value float8, note text);
INSERT INTO readings
SELECT i, timestamptz '2024-01-01 00:00+00' + i * interval '1 minute', i % 211, repeat('x', 200)
  FROM generate_series(1, 100000) AS i;
VACUUM ANALYZE documents, notes, readings;

CREATE FUNCTION recommended(VARIADIC queries text[]) RETURNS TABLE (kind text, definition text, queries int)
LANGUAGE sql AS $$
    SELECT r.kind, regexp_replace(r.ddl, '^.* USING ', ''), r.queries FROM triage.recommend_indexes($1) AS r
$$;

-- What cannot be indexed does not keep the rest from it.
SELECT * FROM recommended('SELECT * FROM documents WHERE (form -> ''signed'') IS NULL AND patient_id = $1');
SELECT * FROM recommended('SELECT id FROM documents WHERE (form -> ''signed'') IS NULL');
SELECT * FROM recommended('SELECT * FROM documents WHERE tableoid::bigint + 1 = 5');
SELECT * FROM recommended('SELECT * FROM documents AS d WHERE num_nulls(VARIADIC ARRAY[d.*::text]) = 5 AND patient_id = $1');
SELECT * FROM recommended('SELECT * FROM notes WHERE corners @> ARRAY[point(1, 2)] AND ward = $1');
SELECT details -> 'search' -> 'undefined' AS undefined
  FROM triage.recommend_indexes(ARRAY['SELECT * FROM notes WHERE corners @> ARRAY[point(1, 2)] AND ward = $1']);

-- What only a GIN index can search.
SELECT * FROM recommended('SELECT * FROM notes WHERE form @> ''{"kind": "k7"}''');
SELECT * FROM recommended('SELECT * FROM notes WHERE form ?| ARRAY[''x'', ''y'']');
SELECT * FROM recommended('SELECT * FROM notes WHERE tags && ARRAY[''t7'', ''t8'']');
SELECT * FROM recommended('SELECT * FROM notes WHERE ARRAY[''t7''] <@ tags');
SELECT * FROM recommended('SELECT * FROM notes WHERE words @@ to_tsquery(''simple'', $1)');
SELECT * FROM recommended('SELECT * FROM notes WHERE to_tsvector(''english'', name) @@ to_tsquery(''english'', ''word'')');
SELECT * FROM recommended('SELECT * FROM notes WHERE name ILIKE ''%abcde%''');
SELECT * FROM recommended('SELECT * FROM notes WHERE name LIKE ''%abcde%''');
SELECT * FROM recommended('SELECT * FROM notes WHERE open AND tags && ARRAY[''t7'', ''u8'']');
SELECT * FROM recommended('SELECT * FROM notes WHERE tags @> ARRAY[''t7''] OR ward = 7 AND words @@ ''word7''');
-- What a B-tree serves it serves better; what would find nearly all rows is not worth an index.
SELECT * FROM recommended('SELECT * FROM notes WHERE name LIKE ''Name abc%''');
SELECT * FROM recommended('SELECT * FROM notes WHERE form ? ''kind''');
SELECT * FROM recommended('SELECT * FROM notes WHERE name ILIKE ''%a%''');
DROP EXTENSION pg_trgm;
SELECT * FROM recommended('SELECT * FROM notes WHERE name ILIKE ''%abcde%''');

-- An expression is shown only if nothing in it may say who somebody is: keys that enough rows have, units.
UPDATE notes SET form = form || '{"Jane Doe": 1}' WHERE id <= 5;
VACUUM ANALYZE notes;
SELECT * FROM recommended('SELECT * FROM notes WHERE form ->> ''kind'' = ''k7''');
SELECT * FROM recommended('SELECT * FROM notes WHERE (form -> ''n'')::int = 500');
SELECT * FROM recommended('SELECT * FROM notes WHERE lower(name) = ''x''');
SELECT * FROM recommended('SELECT * FROM readings WHERE date_trunc(''day'', at AT TIME ZONE ''UTC'') = ''2024-02-05''');
SELECT * FROM recommended('SELECT * FROM notes WHERE form ->> ''Jane Doe'' = ''k7''');
SELECT * FROM recommended('SELECT * FROM notes WHERE strpos(name, ''Jane Doe'') = 7');
SELECT * FROM recommended('SELECT * FROM notes WHERE coalesce(name, ''Jane Doe'') = ''x''');
SELECT * FROM recommended('SELECT * FROM notes WHERE to_tsvector(''english'', form ->> ''Jane Doe'') @@ ''x''');
SELECT count(*) FILTER (WHERE r::text LIKE '%Jane%') AS leaks, min(details -> 'search' ->> 'withheld') <> '0' AS withheld
  FROM triage.recommend_indexes(ARRAY['SELECT * FROM notes WHERE form ->> ''Jane Doe'' = ''k7'' AND ward = 7']) AS r;
-- What is not known of it is said.
SELECT regexp_replace(reason, '^[^;]*; ', '') AS reason FROM triage.recommend_indexes(ARRAY['SELECT * FROM notes WHERE lower(name) = ''x''']);
CREATE STATISTICS lower_name ON (lower(name)) FROM notes;
ANALYZE notes;
SELECT reason ~ 'statistics' AS guessed FROM triage.recommend_indexes(ARRAY['SELECT * FROM notes WHERE lower(name) = ''x''']);

-- As observed, though the texts have lost their values.
SELECT count(triage.reset()) AS reset;
\o /dev/null
\set ECHO none
SELECT format('SELECT id FROM notes WHERE form @> ''{"kind": "k%s"}''', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT id FROM notes WHERE tags && ARRAY[''t%s'']', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT id FROM notes WHERE words @@ to_tsquery(''simple'', ''word%s'')', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT id FROM notes WHERE form ->> ''kind'' = ''k%s''', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT kind, regexp_replace(ddl, '^.* USING ', '') AS definition, queries
  FROM triage.recommend_indexes(relations => ARRAY['notes'::regclass]) ORDER BY 2;

-- Of a large table that grows in the order of a column, summaries of its pages, where there is no room for
-- more or the rows that come in would have to pay for it.
SELECT * FROM recommended('SELECT avg(value) FROM readings WHERE at BETWEEN ''2024-02-05'' AND ''2024-02-06''');
SELECT kind, regexp_replace(ddl, '^.* USING ', '') AS definition
  FROM triage.recommend_indexes(ARRAY['SELECT avg(value) FROM readings WHERE at BETWEEN ''2024-02-05'' AND ''2024-02-06'''], budget_bytes => 100000);
SELECT kind, regexp_replace(ddl, '^.* USING ', '') AS definition
  FROM triage.recommend_indexes(array_fill('SELECT avg(value) FROM readings WHERE at BETWEEN ''2024-02-05'' AND ''2024-02-06'''::text, ARRAY[5])
                                || array_fill('INSERT INTO readings VALUES ($1, $2, $3, $4)'::text, ARRAY[300000]));
SELECT * FROM triage.recommend_indexes(ARRAY['SELECT * FROM readings WHERE value = 7'], budget_bytes => 100000);

-- Through the whole loop: kept, built, found to be there, taken back.
SELECT kind AS found FROM triage.refresh_recommendations(ARRAY['SELECT * FROM notes WHERE form @> ''{"kind": "k7"}''']);
SELECT triage.create_index(id) AS job FROM triage.recommendations \gset
CALL triage.wait_for_job(:job);
SELECT status, error FROM triage.jobs;
SELECT status FROM triage.recommendations;
SELECT abs(error) < 0.3 AS as_predicted FROM triage.size_predictions;
EXPLAIN (COSTS OFF) SELECT * FROM notes WHERE form @> '{"kind": "k7"}';
SELECT * FROM recommended('SELECT * FROM notes WHERE form @> ''{"kind": "k7"}''');
SELECT triage.ensure_index('CREATE INDEX ON kinds.notes USING gin (form jsonb_path_ops)') IS NULL AS is_there;
SELECT triage.undo(:job) AS undo \gset
CALL triage.wait_for_job(:undo);
EXPLAIN (COSTS OFF) SELECT * FROM notes WHERE form @> '{"kind": "k7"}';
SELECT triage.ensure_index('CREATE INDEX ON kinds.readings USING brin (at) WITH (pages_per_range = 16)') AS job \gset
CALL triage.wait_for_job(:job);
SELECT status, error, ddl FROM triage.jobs WHERE id = :job;
SELECT triage.ensure_index('CREATE INDEX ON kinds.readings USING brin (at)') IS NULL AS is_there;

DROP SCHEMA kinds CASCADE;
DROP EXTENSION pg_triage;

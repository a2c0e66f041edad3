-- GIN and BRIN: a plan with a hypothetical index is the plan with the same index really built, at the same
-- cost, and about as large.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE EXTENSION pg_trgm;
CREATE SCHEMA kinds;
SET search_path = kinds, public;
SET jit = off;

CREATE TABLE notes (id int PRIMARY KEY, ward int NOT NULL, email text NOT NULL, form jsonb, tags text[], note text NOT NULL,
                    words tsvector) WITH (autovacuum_enabled = off);
INSERT INTO notes
SELECT i, i % 50, 'User' || i || '@example.org',
       CASE WHEN i % 10 > 0 THEN jsonb_build_object('kind', 'k' || i % 300, 'n', i, 'a', i % 7) END,
       CASE WHEN i % 11 > 0 THEN ARRAY['t' || i % 500, 'u' || i % 40] ELSE '{}' END,
       'note about ' || md5(i::text) || ' and ' || md5((i % 1000)::text),
       to_tsvector('simple', 'word' || i % 2000 || ' other' || i % 30)
  FROM generate_series(1, 30000) AS i;
CREATE TABLE readings (id bigint NOT NULL, at timestamptz NOT NULL, value float8, note text) WITH (autovacuum_enabled = off);
INSERT INTO readings
SELECT i, timestamptz '2024-01-01 00:00+00' + i * interval '1 minute', i % 211, repeat('x', 200)
  FROM generate_series(1, 100000) AS i;
CREATE TABLE forms (id int, form jsonb) PARTITION BY RANGE (id);
CREATE TABLE forms_1 PARTITION OF forms FOR VALUES FROM (0) TO (10000);
CREATE TABLE forms_2 PARTITION OF forms FOR VALUES FROM (10000) TO (50000);
INSERT INTO forms SELECT id, form FROM notes;
VACUUM ANALYZE notes, readings, forms;

CREATE TABLE cases (id int, title text, query text, ddl text);
INSERT INTO cases VALUES
(1, 'containment', $$SELECT * FROM notes WHERE form @> '{"kind": "k7"}'$$, 'CREATE INDEX x ON notes USING gin (form jsonb_path_ops)'),
(2, 'of two keys', $$SELECT * FROM notes WHERE form @> '{"kind": "k7", "a": 3}'$$, 'CREATE INDEX x ON notes USING gin (form jsonb_path_ops)'),
(3, 'default operator class', $$SELECT * FROM notes WHERE form @> '{"kind": "k7"}'$$, 'CREATE INDEX x ON notes USING gin (form)'),
(4, 'existence', $$SELECT * FROM notes WHERE form ? 'nothing'$$, 'CREATE INDEX x ON notes USING gin (form)'),
(5, 'array', $$SELECT * FROM notes WHERE tags @> ARRAY['t7']$$, 'CREATE INDEX x ON notes USING gin (tags)'),
(6, 'overlap', $$SELECT * FROM notes WHERE tags && ARRAY['t7', 't8']$$, 'CREATE INDEX x ON notes USING gin (tags)'),
(7, 'partial', $$SELECT * FROM notes WHERE tags && ARRAY['t7', 't8'] AND ward = 3$$, 'CREATE INDEX x ON notes USING gin (tags) WHERE ward = 3'),
(8, 'words', $$SELECT * FROM notes WHERE words @@ to_tsquery('simple', 'word77 & other3')$$, 'CREATE INDEX x ON notes USING gin (words)'),
(9, 'beginning of a word', $$SELECT * FROM notes WHERE words @@ to_tsquery('simple', 'word77:*')$$, 'CREATE INDEX x ON notes USING gin (words)'),
(10, 'words of a text', $$SELECT * FROM notes WHERE to_tsvector('english', note) @@ to_tsquery('english', 'abcdef')$$, $$CREATE INDEX x ON notes USING gin (to_tsvector('english', note))$$),
(11, 'pattern', $$SELECT * FROM notes WHERE note ILIKE '%abcde%'$$, 'CREATE INDEX x ON notes USING gin (note gin_trgm_ops)'),
(12, 'regular expression', $$SELECT * FROM notes WHERE note ~ 'abcde[0-9]f'$$, 'CREATE INDEX x ON notes USING gin (note gin_trgm_ops)'),
(13, 'inner side of a join', $$SELECT count(*) FROM notes a JOIN notes b ON b.form @> jsonb_build_object('n', a.id) WHERE a.id < 20$$, 'CREATE INDEX x ON notes USING gin (form jsonb_path_ops)'),
(14, 'partitions', $$SELECT * FROM forms WHERE form @> '{"kind": "k7"}'$$, 'CREATE INDEX x ON forms USING gin (form jsonb_path_ops)'),
(15, 'one partition', $$SELECT * FROM forms WHERE form @> '{"kind": "k7"}' AND id < 5000$$, 'CREATE INDEX x ON forms USING gin (form jsonb_path_ops)'),
(16, 'range of pages', $$SELECT * FROM readings WHERE at BETWEEN '2024-02-05' AND '2024-02-06'$$, 'CREATE INDEX x ON readings USING brin (at)'),
(17, 'end of a table', $$SELECT * FROM readings WHERE at > '2024-03-01'$$, 'CREATE INDEX x ON readings USING brin (at)'),
(18, 'two columns summarised', $$SELECT * FROM readings WHERE id = 4711 AND at < '2024-02-01'$$, 'CREATE INDEX x ON readings USING brin (id, at)'),
(19, 'nothing in order', $$SELECT * FROM readings WHERE value = 7$$, 'CREATE INDEX x ON readings USING brin (value)');

CREATE FUNCTION shape(plan text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(plan, '  \(cost=[^)]*\)', '', 'g'), 'Bitmap Index Scan on (x|forms_\w+_idx)\M', 'Bitmap Index Scan on x', 'g')
$$;
CREATE FUNCTION compare(c cases, OUT same_plan boolean, OUT same_cost boolean, OUT used boolean, OUT same_size boolean)
LANGUAGE plpgsql AS $$
DECLARE
    guess record;
    predicted bigint;
    real_plan text := '';
    line text;
    real_cost float8;
    real_size bigint;
BEGIN
    SELECT * INTO STRICT guess FROM triage.what_if(c.query, ARRAY[c.ddl]);
    SELECT bytes INTO STRICT predicted FROM triage.estimate_index_size(c.ddl);
    EXECUTE c.ddl;
    FOR line IN EXECUTE 'EXPLAIN ' || c.query LOOP
        real_plan := real_plan || line || E'\n';
    END LOOP;
    SELECT sum(pg_relation_size(relid)) INTO real_size FROM pg_partition_tree('x') WHERE isleaf;
    real_size := coalesce(real_size, pg_relation_size('x'));
    DROP INDEX x;
    real_cost := substring(real_plan FROM 'cost=[0-9.]+\.\.([0-9.]+)')::float8;
    same_plan := shape(guess.plan) = shape(rtrim(real_plan, E'\n'));
    same_cost := abs(guess.cost_after - real_cost) <= 0.05 * real_cost;
    used := guess.indexes_used = '{x}' AND guess.cost_after < guess.cost_before;
    same_size := predicted BETWEEN 0.75 * real_size AND 1.25 * real_size;
    IF NOT (same_plan AND same_cost AND same_size) THEN
        RAISE WARNING E'% against %, % bytes against %\n%\n%', guess.cost_after, real_cost, predicted, real_size, guess.plan, real_plan;
    END IF;
END $$;
SELECT id, title, r.* FROM cases c, compare(c) r ORDER BY id;

DROP SCHEMA kinds CASCADE;
DROP EXTENSION pg_trgm, pg_triage, pg_stat_statements;

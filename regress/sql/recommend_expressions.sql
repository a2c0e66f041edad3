-- Indexes on expressions are judged by the statistics that there will be once they are built and analyzed:
-- what is said to be their cost is what it then is, and they are used.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA expressions;
SET search_path = expressions, public;
CREATE TABLE letters (id bigint PRIMARY KEY, email text NOT NULL, at timestamp NOT NULL, status text NOT NULL, ward int, form jsonb, note text)
    WITH (autovacuum_enabled = off);
INSERT INTO letters
SELECT i, 'User' || i || '@example.org', timestamp '2024-01-01' + i * interval '1 minute', CASE WHEN i % 100 = 0 THEN 'open' ELSE 'closed' END,
       CASE WHEN i % 3 > 0 THEN i % 50 END, jsonb_build_object('kind', 'k' || i % 300, 'n', i), 'note about ' || md5((i % 1000)::text)
  FROM generate_series(1, 30000) AS i;
CREATE TABLE rows_of (id bigint, at timestamp NOT NULL, note text) PARTITION BY RANGE (id);
CREATE TABLE rows_1 PARTITION OF rows_of FOR VALUES FROM (0) TO (20000);
CREATE TABLE rows_2 PARTITION OF rows_of FOR VALUES FROM (20000) TO (40000);
INSERT INTO rows_of SELECT id, at, note FROM letters;
VACUUM ANALYZE letters, rows_of;

CREATE TABLE cases (id int, query text);
INSERT INTO cases VALUES
(1, 'SELECT * FROM letters WHERE lower(email) = ''user77@example.org'''),
(2, 'SELECT * FROM letters WHERE at::date = ''2024-01-05'''),
(3, 'SELECT * FROM letters WHERE at::date BETWEEN ''2024-01-05'' AND ''2024-01-06'''),
(4, 'SELECT * FROM letters WHERE form ->> ''kind'' = ''k7'''),
(5, 'SELECT * FROM letters WHERE (form -> ''n'')::int = 500'),
(6, 'SELECT * FROM letters WHERE upper(status) = ''OPEN'''),
(7, 'SELECT * FROM letters WHERE coalesce(ward, -1) = 5 AND upper(status) = ''OPEN'''),
(8, 'SELECT * FROM letters WHERE to_tsvector(''simple'', note) @@ to_tsquery(''simple'', md5(7::text))'),
(9, 'SELECT * FROM rows_of WHERE at::date = ''2024-01-05''');
CREATE FUNCTION compare(c cases, OUT definition text, OUT used boolean, OUT as_said boolean) LANGUAGE plpgsql AS $$
DECLARE
    found record;
    plan text := '';
    line text;
    cost float8;
BEGIN
    SELECT * INTO STRICT found FROM triage.recommend_indexes(ARRAY[c.query]);
    EXECUTE replace(found.ddl, 'CONCURRENTLY ', '');
    ANALYZE letters, rows_of;
    FOR line IN EXECUTE 'EXPLAIN ' || c.query LOOP
        plan := plan || line || E'\n';
    END LOOP;
    EXECUTE 'DROP INDEX ' || substring(found.ddl FROM 'INDEX (?:CONCURRENTLY )?(\S+)');
    definition := regexp_replace(found.ddl, '^.* USING ', '');
    used := plan ~ 'Index (Only )?Scan';
    cost := substring(plan FROM 'cost=[0-9.]+\.\.([0-9.]+)')::float8;
    as_said := found.cost_after BETWEEN 0.5 * cost AND 2 * cost;
    IF NOT as_said THEN
        RAISE WARNING E'% against %\n%', found.cost_after, cost, plan;
    END IF;
END $$;
SELECT c.id, r.* FROM cases c, compare(c) r ORDER BY id;

-- Where there are no statistics yet, that is said; nobody's function runs to make them.
CREATE FUNCTION mine(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'ran'; RETURN $1; END $$;
SELECT regexp_replace(reason, '^[^;]*; ', '') AS reason FROM triage.recommend_indexes(ARRAY['SELECT * FROM letters WHERE lower(email) = ''x''']);
SELECT regexp_replace(reason, '^[^;]*; ', '') AS reason FROM triage.recommend_indexes(ARRAY['SELECT * FROM letters WHERE mine(email) = $1']);
CREATE STATISTICS lower_email ON (lower(email)) FROM letters;
ANALYZE letters;
SELECT reason ~ 'statistics' AS guessed FROM triage.recommend_indexes(ARRAY['SELECT * FROM letters WHERE lower(email) = ''x''']);

-- A policy hides rows; an operator that tells what it sees is not shown their values by way of statistics.
DROP STATISTICS lower_email;
CREATE SEQUENCE told;
CREATE FUNCTION tell(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('expressions.told'); RETURN $1 = $2; END $$;
CREATE OPERATOR === (FUNCTION = tell, LEFTARG = text, RIGHTARG = text, RESTRICT = eqsel);
CREATE ROLE regress_letters_reader IN ROLE triage_reader;
GRANT USAGE ON SCHEMA expressions TO regress_letters_reader;
GRANT USAGE ON SEQUENCE told TO regress_letters_reader;
GRANT SELECT ON letters TO regress_letters_reader;
CREATE POLICY open_ones ON letters USING (status = 'open');
ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
SET ROLE regress_letters_reader;
SELECT count(*) > 0 AS recommended FROM triage.recommend_indexes(ARRAY['SELECT * FROM letters WHERE upper(status) = ''OPEN'' AND upper(status) === ''OPEN''']);
RESET ROLE;
SELECT is_called AS told FROM told;
DROP SCHEMA expressions CASCADE;
DROP ROLE regress_letters_reader;
DROP EXTENSION pg_triage;

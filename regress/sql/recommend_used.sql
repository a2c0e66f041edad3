-- No index is recommended that, once it is built, leaves the plan of its statement as it was: each of the
-- recommended ones stands in the plan, and that costs about what was said.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE EXTENSION pg_trgm;
CREATE SCHEMA used;
SET search_path = used, public;
SET jit = off;
CREATE TABLE patients (id bigint PRIMARY KEY, email text, ward int, prio int, at timestamptz NOT NULL, born timestamp, status text, form jsonb,
                       tags text[], note text, words tsvector) WITH (autovacuum_enabled = off);
INSERT INTO patients
SELECT i, 'User' || i || '@example.org', i % 50, hashint4(i) % 1000, timestamptz '2024-01-01 00:00+00' + i * interval '1 minute',
       timestamp '2024-01-01' + i * interval '1 minute', CASE WHEN i % 100 = 0 THEN 'open' ELSE 'closed' END,
       jsonb_build_object('kind', 'k' || i % 300, 'n', i, 'a', i % 7), ARRAY['t' || i % 500, 'u' || i % 40],
       'note about ' || md5(i::text) || ' and ' || md5((i % 1000)::text), to_tsvector('simple', 'word' || i % 2000 || ' other' || i % 30)
  FROM generate_series(1, 30000) AS i;
CREATE TABLE vitals (id bigint PRIMARY KEY, patient bigint NOT NULL, at timestamptz NOT NULL, kind text, value float8)
    WITH (autovacuum_enabled = off);
INSERT INTO vitals
SELECT i, 1 + (hashint8(i) & 32767) % 30000, timestamptz '2024-01-01 00:00+00' + i * interval '1 minute', 'k' || i % 5, i % 211
  FROM generate_series(1, 60000) AS i;
VACUUM ANALYZE patients, vitals;

CREATE TABLE statements (id int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO statements (query) VALUES
('SELECT * FROM patients WHERE ward = 7 AND prio = 3'),
('SELECT * FROM patients WHERE email LIKE ''User77%'''),
('SELECT * FROM patients WHERE email IN (''User7@example.org'', ''User8@example.org'')'),
('SELECT * FROM patients WHERE status = ''open'' AND ward = 10'),
('SELECT * FROM patients WHERE ward = 3 OR email = ''User9@example.org'''),
('SELECT ward, count(*) FROM patients GROUP BY ward'),
('SELECT ward, max(prio) FROM patients GROUP BY ward ORDER BY ward DESC'),
('SELECT DISTINCT ward FROM patients'),
('SELECT DISTINCT ON (patient) patient, at, value FROM vitals ORDER BY patient, at DESC'),
('SELECT DISTINCT ON (patient) * FROM vitals WHERE kind = ''k1'' ORDER BY patient, at DESC LIMIT 50'),
('SELECT * FROM patients ORDER BY prio DESC NULLS LAST, at LIMIT 10'),
('SELECT * FROM patients ORDER BY prio NULLS FIRST LIMIT 10'),
('SELECT * FROM patients WHERE ward = 3 ORDER BY prio, at DESC LIMIT 10'),
('SELECT * FROM patients WHERE ward = 3 ORDER BY lower(email) LIMIT 10'),
('SELECT * FROM patients ORDER BY lower(email) DESC LIMIT 10'),
('SELECT upper(status), count(*) FROM patients GROUP BY upper(status)'),
('SELECT min(prio), max(prio) FROM patients WHERE ward = 7'),
('SELECT min(prio) FROM patients'),
('SELECT date_trunc(''day'', born), count(*) FROM patients GROUP BY 1 ORDER BY 1 LIMIT 3'),
('SELECT p.email, v.at FROM patients p JOIN vitals v ON v.patient = p.id WHERE p.status = ''open'' ORDER BY v.at DESC LIMIT 20'),
('SELECT p.email, v.at FROM patients p JOIN vitals v ON v.patient = p.id ORDER BY v.at DESC LIMIT 20'),
('SELECT p.email, v.at FROM patients p JOIN vitals v ON v.patient = p.id WHERE p.ward = 3 ORDER BY p.prio LIMIT 20'),
('SELECT p.email, v.value FROM patients p JOIN vitals v ON v.patient = p.id WHERE lower(p.email) = ''user77@example.org'''),
('SELECT count(*) FROM patients p WHERE EXISTS (SELECT FROM vitals v WHERE v.patient = p.id AND v.kind = ''k3'') AND p.ward = 4'),
('SELECT * FROM vitals WHERE at BETWEEN ''2024-01-05'' AND ''2024-01-06'''),
('SELECT avg(value) FROM vitals WHERE at > ''2024-02-05'''),
('SELECT * FROM patients WHERE lower(email) = ''user77@example.org'''),
('SELECT * FROM patients WHERE date(born) = ''2024-01-05'''),
('SELECT * FROM patients WHERE upper(status) = ''OPEN'' AND ward = 10'),
('SELECT * FROM patients WHERE form ->> ''kind'' = ''k7'''),
('SELECT * FROM patients WHERE form @> ''{"kind": "k7"}'''),
('SELECT * FROM patients WHERE form @> ''{"n": 7}'' AND ward = 7'),
('SELECT * FROM patients WHERE tags && ARRAY[''t7'', ''t8'']'),
('SELECT * FROM patients WHERE words @@ to_tsquery(''simple'', ''word77 & other3'')'),
('SELECT * FROM patients WHERE to_tsvector(''simple'', note) @@ to_tsquery(''simple'', md5(77::text))'),
('SELECT * FROM patients WHERE note ILIKE ''%abcde%'''),
('SELECT * FROM patients WHERE status = ''open'''),
('UPDATE patients SET note = '''' WHERE email = ''User77@example.org'''),
('DELETE FROM vitals WHERE patient = 7 AND at < ''2024-01-20''');

-- Builds what is recommended for the statement, plans it, takes it back.
CREATE FUNCTION check_one(s statements, OUT recommended int, OUT unused text, OUT off_by float8) LANGUAGE plpgsql AS $$
DECLARE
    found record;
    plan text := '';
    line text;
    name text;
    names text[] := '{}';
    said float8;
BEGIN
    recommended := 0;
    FOR found IN SELECT * FROM triage.recommend_indexes(ARRAY[s.query]) LOOP
        recommended := recommended + 1;
        said := found.cost_after;
        names := names || substring(found.ddl FROM 'CONCURRENTLY ("[^"]*"|\S+)');
        EXECUTE replace(found.ddl, 'CONCURRENTLY ', '');
    END LOOP;
    ANALYZE patients, vitals;
    FOR line IN EXECUTE 'EXPLAIN ' || s.query LOOP
        plan := plan || line || E'\n';
    END LOOP;
    FOREACH name IN ARRAY names LOOP
        IF position(name IN plan) = 0 THEN
            unused := concat_ws(', ', unused, name);
        END IF;
        EXECUTE 'DROP INDEX ' || name;
    END LOOP;
    off_by := said / substring(plan FROM 'cost=[0-9.]+\.\.([0-9.]+)')::float8;
    IF off_by NOT BETWEEN 0.5 AND 2 THEN
        RAISE WARNING E'% said\n%', said, plan;
    END IF;
END $$;
CREATE TABLE results AS SELECT s.id, s.query, r.* FROM statements s, check_one(s) r;
SELECT id, query, unused FROM results WHERE unused IS NOT NULL ORDER BY id;
SELECT id, query FROM results WHERE recommended = 0 ORDER BY id;
SELECT id, query FROM results WHERE off_by NOT BETWEEN 0.5 AND 2 ORDER BY id;
SELECT count(*) FILTER (WHERE off_by BETWEEN 0.95 AND 1.05) >= 0.7 * count(*) AS most_within_5_percent FROM results;

DROP SCHEMA used CASCADE;
DROP EXTENSION pg_trgm, pg_triage;

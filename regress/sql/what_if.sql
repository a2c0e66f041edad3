-- triage.what_if: hypothetical indexes priced by the planner, in every kind of statement.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA what_if;
SET search_path = what_if;
SET default_statistics_target = 1000; -- every row is in the sample
SET jit = off;
SET max_parallel_workers_per_gather = 0;

CREATE TABLE patients (id int PRIMARY KEY, mrn text NOT NULL, active boolean NOT NULL, ward int, born date,
                       email text, note text) WITH (autovacuum_enabled = off);
INSERT INTO patients
SELECT g, 'M' || lpad(g::text, 8, '0'), g % 20 = 0, g % 50, date '1930-01-01' + g % 30000,
       'User' || g || '@Example.org', repeat('x', 60)
  FROM generate_series(1, 20000) g;
CREATE TABLE vitals (id bigint PRIMARY KEY, patient_id int NOT NULL, at timestamptz NOT NULL, kind text NOT NULL,
                     value float8) WITH (autovacuum_enabled = off);
INSERT INTO vitals
SELECT g, hashint4(-g) & 4095, timestamptz '2024-01-01 00:00+00' + g * interval '1 minute',
       CASE WHEN hashint4(g) % 100 = 0 THEN 'critical' ELSE 'normal' || g % 3 END, g % 211
  FROM generate_series(1, 60000) g;
CREATE TABLE readings (sensor int NOT NULL, at date NOT NULL, value float8) PARTITION BY RANGE (at);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE readings_2 PARTITION OF readings FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
INSERT INTO readings SELECT g % 500, date '2024-01-01' + g % 360, g FROM generate_series(1, 30000) g;
CREATE TABLE "Größe ""M""" ("Spalte 1" int, "ärzte" text) WITH (autovacuum_enabled = off);
INSERT INTO "Größe ""M""" SELECT g, 'n' || g FROM generate_series(1, 20000) g;
CREATE VIEW active_patients AS SELECT id, mrn, ward FROM patients WHERE active;
ANALYZE patients;
VACUUM ANALYZE vitals;
ANALYZE readings;
ANALYZE "Größe ""M""";

-- The plan without costs and without lines that differ between versions; whether it got cheaper; by what.
CREATE FUNCTION try(query text, VARIADIC indexes text[]) RETURNS TABLE (mode text, cheaper boolean, used text[], plan text)
LANGUAGE sql AS $$
    SELECT mode, cost_after < cost_before, indexes_used,
           (SELECT string_agg(regexp_replace(line, '  \(cost=[^)]*\)', ''), E'\n' ORDER BY n)
              FROM regexp_split_to_table(plan, '\n') WITH ORDINALITY AS l (line, n)
             WHERE line !~ '^ *(Recheck Cond|Filter|InitPlan|CTE c)')
      FROM triage.what_if(query, indexes)
$$;

SELECT * FROM try('SELECT * FROM patients WHERE mrn = ''M00000040'' AND active', 'CREATE INDEX ON patients (mrn) WHERE active');
SELECT * FROM try('SELECT p.mrn, v.value FROM patients p JOIN vitals v ON v.patient_id = p.id WHERE p.mrn = ''M00000040''',
                  'CREATE INDEX ON patients (mrn)', 'CREATE INDEX ON vitals (patient_id)', 'CREATE INDEX ON patients (ward)');
SELECT * FROM try('SELECT at, value FROM vitals WHERE patient_id = 99', 'CREATE INDEX ON vitals (patient_id) INCLUDE (value, at)');
SELECT * FROM try('SELECT * FROM patients WHERE lower(email) = ''user42@example.org''', 'CREATE INDEX ON patients (lower(email))');
SELECT * FROM try('SELECT * FROM vitals WHERE patient_id = 17 ORDER BY at DESC LIMIT 10', 'CREATE INDEX ON vitals (patient_id, at DESC)');
SELECT * FROM try('SELECT * FROM vitals ORDER BY at DESC, id LIMIT 10', 'CREATE INDEX ON vitals (at DESC, id)', 'CREATE INDEX ON vitals (at, id)');
SELECT * FROM try('SELECT id FROM active_patients WHERE mrn = ''M00000040''', 'CREATE INDEX ON patients (mrn) WHERE active');
SELECT * FROM try('SELECT a.id FROM vitals a JOIN vitals b USING (patient_id, at) WHERE a.id = 55', 'CREATE INDEX ON vitals (patient_id, at)');
SELECT * FROM try('UPDATE patients SET note = '''' WHERE mrn = ''M00000040''', 'CREATE INDEX ON patients (mrn)');
SELECT * FROM try('DELETE FROM vitals WHERE patient_id = 5', 'CREATE INDEX ON vitals (patient_id)');
SELECT * FROM try('SELECT id FROM patients p WHERE id < 40 AND EXISTS (SELECT FROM vitals v WHERE v.patient_id = p.id AND kind = ''critical'')',
                  'CREATE INDEX ON vitals (patient_id) WHERE kind = ''critical''');
SELECT * FROM try('WITH c AS MATERIALIZED (SELECT * FROM vitals WHERE patient_id = 5) SELECT * FROM c WHERE value > (SELECT min(value) FROM vitals WHERE patient_id = 6)',
                  'CREATE INDEX ON vitals (patient_id)');
SELECT * FROM try('SELECT * FROM readings WHERE sensor = 17', 'CREATE INDEX ON readings (sensor)');
SELECT * FROM try('SELECT * FROM readings_2 WHERE sensor = 17', 'CREATE INDEX ON readings (sensor)', 'CREATE INDEX ON readings_1 (sensor)');
SELECT * FROM try('SELECT "ärzte" FROM "Größe ""M""" WHERE "Spalte 1" = 5', 'CREATE INDEX ON "Größe ""M""" ("Spalte 1") INCLUDE ("ärzte")');
SELECT * FROM try('SELECT * FROM patients WHERE mrn = ''M00000040''', 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "My Index" ON what_if.patients USING btree (mrn ASC NULLS LAST)');

-- Two without a name, and two with the same one, stay apart.
SELECT * FROM try('SELECT * FROM patients WHERE mrn = ''M1'' OR ward = 3 AND born = ''1970-01-01''',
                  'CREATE INDEX same ON patients (mrn)', 'CREATE INDEX same ON patients (ward, born)');

-- A long name is cut between characters and keeps its end; one that is taken gets a number.
CREATE TABLE überaus_lange_namen_für_eine_tabelle ("ein_sehr_langer_spaltenname_mit_ä" int, zweite_lange_spalte int);
INSERT INTO überaus_lange_namen_für_eine_tabelle SELECT g, g FROM generate_series(1, 5000) g;
CREATE TABLE patients_born_idx ();
SELECT name, octet_length(name) FROM
    try('SELECT * FROM überaus_lange_namen_für_eine_tabelle WHERE "ein_sehr_langer_spaltenname_mit_ä" = 1 AND zweite_lange_spalte = 1',
        'CREATE INDEX ON überaus_lange_namen_für_eine_tabelle ("ein_sehr_langer_spaltenname_mit_ä", zweite_lange_spalte)'), unnest(used) name
UNION ALL SELECT used[1], octet_length(used[1]) FROM try('SELECT * FROM patients WHERE born = ''1970-01-01''', 'CREATE INDEX ON patients (born)');

-- No index at all; an index on another table; one that does not help.
SELECT mode, cost_before = cost_after AS same, indexes_used FROM triage.what_if('SELECT 1', NULL);
SELECT mode, cost_before = cost_after AS same, indexes_used FROM triage.what_if('SELECT count(note) FROM patients', '{}');
SELECT * FROM try('SELECT count(note) FROM patients', 'CREATE INDEX ON vitals (at)', 'CREATE INDEX ON patients (ward)');

-- Costs alone, of many sets at once: those that what_if tells, set by set.
CREATE TABLE asked (query text, indexes text[], sets int[]);
INSERT INTO asked
SELECT query, indexes, (SELECT array_agg(ARRAY(SELECT CASE WHEN s >> i - 1 & 1 = 1 THEN i END FROM generate_series(1, 4) i) ORDER BY s) FROM generate_series(0, 15) s)
  FROM (VALUES
    ('SELECT p.mrn, v.value FROM patients p JOIN vitals v ON v.patient_id = p.id WHERE p.mrn = ''M00000040'' AND v.kind = ''critical''',
     ARRAY['CREATE INDEX ON patients (mrn)', 'CREATE INDEX ON vitals (patient_id)', 'CREATE INDEX ON vitals (patient_id) WHERE kind = ''critical''', 'CREATE INDEX ON vitals (patient_id, kind) INCLUDE (value)']),
    ('SELECT * FROM vitals WHERE patient_id = 17 ORDER BY at DESC LIMIT 10',
     ARRAY['CREATE INDEX ON vitals (patient_id)', 'CREATE INDEX ON vitals (at)', 'CREATE INDEX ON vitals (patient_id, at)', 'CREATE INDEX ON patients (ward)']),
    ('SELECT * FROM readings r JOIN patients p ON p.ward = r.sensor WHERE r.sensor = $1 AND p.active',
     ARRAY['CREATE INDEX ON readings (sensor)', 'CREATE INDEX ON readings_1 (sensor)', 'CREATE INDEX ON patients (ward)', 'CREATE INDEX ON patients (ward) WHERE active'])) q (query, indexes);
SELECT n, m.mode, count(*) AS sets, count(DISTINCT c.cost) > 2 AS differ,
       count(*) FILTER (WHERE c.cost IS DISTINCT FROM w.cost_after) AS wrong_cost,
       count(*) FILTER (WHERE cardinality(c.indexes_used) <> cardinality(w.indexes_used)) AS wrong_use,
       count(*) FILTER (WHERE NOT c.indexes_used <@ coalesce(chosen.places, '{}')) AS used_beyond
  FROM (SELECT row_number() OVER () AS n, * FROM asked) a, unnest(ARRAY['custom', 'generic']) m (mode),
       triage.what_if_costs(a.query, a.indexes, a.sets, m.mode) c,
       LATERAL (SELECT array_agg(p) AS places, array_agg(a.indexes[p]) AS ddl FROM generate_series(1, 4) p WHERE c.set_number - 1 >> p - 1 & 1 = 1) chosen,
       LATERAL (SELECT * FROM triage.what_if(a.query, chosen.ddl, m.mode)) w
 GROUP BY n, m.mode ORDER BY n, m.mode;
-- All of them, if no set is said; one set; none in the set; no index.
SELECT set_number, indexes_used FROM triage.what_if_costs('SELECT * FROM patients WHERE mrn = ''M1'' AND ward = 3', ARRAY['CREATE INDEX ON patients (ward)', 'CREATE INDEX ON patients (mrn)']);
SELECT set_number, indexes_used FROM triage.what_if_costs('SELECT * FROM patients WHERE mrn = ''M1'' AND ward = 3', ARRAY['CREATE INDEX ON patients (ward)', 'CREATE INDEX ON patients (mrn)'], '{1,null,1}');
SELECT set_number, indexes_used FROM triage.what_if_costs('SELECT * FROM patients WHERE mrn = ''M1'' AND ward = 3', ARRAY['CREATE INDEX ON patients (ward)', 'CREATE INDEX ON patients (mrn)'], '{}');
SELECT set_number, indexes_used FROM triage.what_if_costs('SELECT 1', NULL);
-- With genetic join search each set has a plan of its own.
SET geqo_threshold = 2;
SELECT count(*) AS sets FROM asked, triage.what_if_costs(query, indexes, sets);
RESET geqo_threshold;

-- Parameters. A custom plan knows typical values, a generic plan knows none: it cannot prove a partial index.
SELECT * FROM try('SELECT * FROM vitals WHERE kind = $1 AND patient_id = $2', 'CREATE INDEX ON vitals (patient_id)');
SELECT mode, indexes_used FROM triage.what_if('SELECT * FROM vitals WHERE kind = ''critical'' AND patient_id = $1',
                                              ARRAY['CREATE INDEX part ON vitals (patient_id) WHERE kind = ''critical''']);
SELECT mode, indexes_used FROM triage.what_if('SELECT * FROM vitals WHERE kind = $1 AND patient_id = 7',
                                              ARRAY['CREATE INDEX part ON vitals (patient_id) WHERE kind = ''critical'''], 'generic');
SELECT mode FROM triage.what_if('SELECT * FROM vitals WHERE patient_id = $1', NULL, 'custom');
SELECT mode FROM triage.what_if('SELECT * FROM vitals WHERE patient_id = 1', NULL, 'generic');

-- What typical values are is not shown, however they were turned about on the way into the plan.
SELECT count(*) AS plans, bool_or(plan ~ '(M0|@|\d{4}-\d\d-\d\d)') AS shows_a_value
  FROM triage.what_if('SELECT * FROM patients WHERE mrn = $1 AND email = ANY (ARRAY[$2, upper($3)]) AND born > $4::date + 1 AND born < $8::date - $9::int AND born <> $10
                       AND note LIKE $5 AND ward = $6 LIMIT $7', ARRAY['CREATE INDEX ON patients (mrn)']);
-- Parameters inside arithmetic are bound to what makes up a typical condition together: one per cent of the rows between
-- two bounds, a third beyond one. What cannot be told stays unbound, and the planner guesses half a per cent.
SELECT condition, round(100.0 * substring(plan FROM 'rows=(\d+)')::int / (SELECT count(*) FROM vitals), 1) AS percent
  FROM unnest(ARRAY['at >= $1 AND at < $1 + $2::interval', 'at >= $1 AND at < $2::timestamptz + $3::interval',
                    'at >= $2::timestamptz - $1::interval AND at < $2', 'at >= $1 AND at < $2::timestamptz + $3 * $4::interval',
                    'at >= $1 AND at < $1 + $2::interval * $3::int', 'at > now() - $1::interval',
                    'at > now() + $1::interval', 'at > now() - $1::int * interval $2',
                    'id >= $1 AND id < $1 + $2', 'id >= $1 AND id < $2::int + $3', 'at >= $1 AND at < date_trunc($2, $3::timestamptz)']) condition,
       triage.what_if('SELECT * FROM vitals WHERE ' || condition, NULL, 'custom');

-- A bound that cannot be computed with is no reason to fail.
CREATE TABLE consents (id int, valid_until timestamptz, withdrawn date) WITH (autovacuum_enabled = off);
INSERT INTO consents SELECT g, 'infinity', 'infinity' FROM generate_series(1, 1000) g;
ANALYZE consents;
SELECT mode FROM triage.what_if('SELECT * FROM consents WHERE valid_until > now() - $1::interval AND withdrawn > current_date - $2::int', NULL, 'custom');
-- Where planning with typical values fails, the message does not show them either.
SELECT mode FROM triage.what_if('SELECT * FROM patients WHERE mrn = $1 AND ward = $1::int', NULL);
SELECT mode FROM triage.what_if('SELECT * FROM patients WHERE mrn = $1 AND ward = $1::int', NULL, 'custom');

-- As pg_stat_statements keeps texts: literals that the grammar wants are parameters.
SELECT mode, indexes_used FROM triage.what_if(
    'SELECT * FROM vitals WHERE at > now() - interval $1 AND at < timestamp with time zone $2 AND (at AT TIME ZONE $3)::date > date $4',
    ARRAY['CREATE INDEX i ON vitals (at)'], 'generic');
SELECT mode, indexes_used FROM triage.what_if(
    'SELECT interval $1 day to second, double precision $2, pg_catalog.int8 $3, character varying(3) $4, numeric(4,2) $5, $6, count($7), $8 IS NULL
       FROM patients WHERE born > now() - $9 AND ward IN (SELECT generate_series($10, $11)) AND ($12 IS NULL OR mrn = $12)',
    NULL, 'generic');

-- Inside other statements.
SELECT mode FROM triage.what_if('EXPLAIN (ANALYZE) SELECT * FROM patients', NULL);
SELECT mode FROM triage.what_if('PREPARE p (text) AS SELECT * FROM patients WHERE mrn = $1', NULL);
SELECT mode FROM triage.what_if('DECLARE c CURSOR FOR SELECT * FROM patients', NULL);
SELECT mode FROM triage.what_if('COPY (SELECT * FROM patients) TO STDOUT', NULL);
SELECT mode FROM triage.what_if('CREATE TABLE copy AS SELECT * FROM patients', NULL);
SELECT mode FROM triage.what_if('SELECT * INTO copy FROM patients', NULL);
SELECT mode FROM triage.what_if('INSERT INTO patients SELECT * FROM patients ON CONFLICT (id) DO NOTHING', NULL);
SELECT mode FROM triage.what_if('MERGE INTO patients p USING vitals v ON p.id = v.patient_id WHEN MATCHED THEN UPDATE SET ward = 1', NULL);

-- Nothing stays behind: neither in plans that are executed nor in cached ones.
-- The planner calls this function to fold it, and with that plans (anew each time) and executes.
CREATE FUNCTION nested() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    found int;
BEGIN
    EXECUTE 'SELECT count(*) FROM what_if.patients WHERE mrn = ''M00000040''' INTO found;
    RETURN found;
END $$;
SELECT mode, cheaper, used FROM try('SELECT * FROM vitals WHERE patient_id = nested()', 'CREATE INDEX ON patients (mrn)', 'CREATE INDEX v ON vitals (patient_id)');
EXPLAIN (COSTS OFF) SELECT * FROM patients WHERE mrn = 'M00000040';
SELECT count(*) FROM patients WHERE mrn = 'M00000040';

-- Bad input, each with its SQLSTATE.
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE remote (a int) SERVER nowhere;
CREATE TABLE ruled (a int);
CREATE RULE ruled AS ON INSERT TO ruled DO ALSO INSERT INTO vitals VALUES (0, 0, now(), '', 0);
CREATE FUNCTION failure(statement text) RETURNS TABLE (state text, message text, hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := 'no error';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
\x
SELECT query, f.* FROM (VALUES
    (1, 'SELEC 1'), (2, ''), (3, 'SELECT 1; SELECT 2'), (4, 'VACUUM'), (5, 'EXECUTE p(1)'), (6, 'CALL p(1)'), (7, NULL),
    (8, 'SELECT * FROM nothing'), (9, 'SELECT nothing FROM patients'), (10, 'SELECT 1/0'), (11, 'INSERT INTO ruled VALUES (1)'),
    (12, 'SELECT $1 + $2 FROM patients WHERE active = 5'), (13, 'SELECT $0')) AS bad (n, query),
    failure(format('SELECT * FROM triage.what_if(%L, NULL)', query)) AS f ORDER BY n;
SELECT ddl, f.* FROM (VALUES
    (1, 'SELECT 1'), (2, 'CREATE INDEX ON patients (id); CREATE INDEX ON patients (ward)'), (3, NULL), (4, 'CREATE INDEX ON nothing (a)'),
    (5, 'CREATE INDEX ON patients (nothing)'), (6, 'CREATE INDEX ON active_patients (id)'), (7, 'CREATE INDEX ON remote (a)'),
    (8, 'CREATE INDEX ON pg_catalog.pg_class (relname)'), (9, 'CREATE INDEX ON patients USING gin (note)'),
    (10, 'CREATE INDEX ON patients USING nothing (note)'), (11, 'CREATE INDEX ON patients (id) WHERE born < now()'),
    (12, 'CREATE INDEX ON vitals (date(at))'), (13, 'CREATE INDEX ON patients (id) WHERE other.id = 1'),
    (14, 'CREATE INDEX ON patients (id) WHERE count(*) > 1'), (15, 'CREATE INDEX ON patients (id nothing_ops)'),
    (16, 'CREATE INDEX ON patients (id COLLATE "C")'), (17, 'CREATE INDEX ON patients (ctid)'), (18, 'CREATE INDEX ON ONLY readings (sensor)'),
    (19, 'CREATE INDEX ON patients (id) WITH (nothing = 1)'), (20, 'CREATE INDEX ON patients (id) INCLUDE ((ward + 1))'),
    (21, 'CREATE INDEX ON patients_pkey (id)'), (22, 'CREATE INDEX ON patients USING hash (id)'),
    (23, 'CREATE UNIQUE INDEX ON patients USING brin (id)'), (24, 'CREATE INDEX ON patients USING brin (id DESC)'),
    (25, 'CREATE INDEX ON patients USING brin (id) INCLUDE (ward)'), (26, 'CREATE INDEX ON patients USING brin (id) WITH (pages_per_range = 8)'),
    (27, 'CREATE INDEX ON patients USING brin (id int4_minmax_multi_ops (values_per_range = 16))')) AS bad (n, ddl),
    failure(format('SELECT * FROM triage.what_if(''SELECT 1'', ARRAY[%L])', ddl)) AS f ORDER BY n;
SELECT f.* FROM failure('SELECT * FROM triage.what_if(''SELECT 1'', NULL, ''wrong'')') f;
SELECT f.* FROM failure('SELECT * FROM triage.what_if(''SELECT 1'', NULL, NULL)') f;
SELECT arguments, f.* FROM (VALUES
    (1, $$NULL, NULL$$), (2, $$'SELECT 1', NULL, '{1}'$$), (3, $$'SELECT 1', ARRAY['CREATE INDEX ON patients (ward)'], '{{1,0}}'$$),
    (4, $$'SELECT 1', NULL, '{{{1}}}'$$), (5, $$'SELECT 1', NULL, NULL, 'auto'$$), (6, $$'SELECT 1/0', NULL$$),
    (7, $$'SELECT * FROM patients WHERE mrn = $1 AND ward = $1::int', NULL$$)) AS bad (n, arguments),
    failure(format('SELECT * FROM triage.what_if_costs(%s)', arguments)) AS f ORDER BY n;
\x
-- A place in the given text is not one in the statement around it.
SELECT * FROM triage.what_if('SELECT 1 +', NULL);
SELECT * FROM triage.what_if('SELECT wrong FROM patients', NULL);

-- Nobody learns about a table that is not for his eyes.
CREATE ROLE what_if_nurse IN ROLE triage_reader;
GRANT USAGE ON SCHEMA what_if TO what_if_nurse;
GRANT SELECT ON active_patients TO what_if_nurse;
GRANT SELECT (id, ward) ON patients TO what_if_nurse;
CREATE TABLE guarded (id int, owner name);
INSERT INTO guarded SELECT g, 'nobody' FROM generate_series(1, 1000) g;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON guarded TO what_if_nurse;
\x
SET ROLE what_if_nurse;
SELECT statement, f.* FROM (VALUES
    (1, $$triage.what_if('SELECT count(*) FROM active_patients', NULL)$$),
    (2, $$triage.what_if('SELECT ward FROM patients', ARRAY['CREATE INDEX ON patients (ward) INCLUDE (id)'])$$),
    (3, $$triage.what_if('SELECT mrn FROM patients', NULL)$$),
    (4, $$triage.what_if('SELECT * FROM (SELECT (SELECT max(mrn) FROM patients)) s', NULL)$$),
    (5, $$triage.what_if('UPDATE patients SET ward = 1 WHERE id = 1', NULL)$$),
    (6, $$triage.what_if('SELECT 1', ARRAY['CREATE INDEX ON patients (mrn)'])$$),
    (7, $$triage.what_if('SELECT 1', ARRAY['CREATE INDEX ON patients (id) WHERE mrn = ''M00000040'''])$$),
    (8, $$triage.estimate_index_size('CREATE INDEX ON vitals (at)')$$),
    (9, $$triage.assert_uses_index('SELECT * FROM vitals')$$),
    (10, $$triage.what_if('SELECT * FROM guarded', ARRAY['CREATE INDEX ON guarded (id)'])$$),
    (11, $$triage.what_if_costs('SELECT mrn FROM patients', NULL)$$),
    (12, $$triage.what_if_costs('SELECT 1', ARRAY['CREATE INDEX ON patients (mrn)'])$$)) AS tried (n, statement),
    failure('SELECT * FROM ' || statement) AS f ORDER BY n;
RESET ROLE;
\x
DROP SCHEMA what_if CASCADE;
DROP FOREIGN DATA WRAPPER nowhere CASCADE;
DROP ROLE what_if_nurse;
DROP EXTENSION pg_triage, pg_stat_statements;

-- A plan with a hypothetical index is the plan with the same index really built, at the same cost.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA parity;
SET search_path = parity;
SET default_statistics_target = 1000; -- every row is in the sample
SET jit = off;

CREATE TABLE patients (id int PRIMARY KEY, mrn text NOT NULL, active boolean NOT NULL, ward int, born date,
                       email text, note text) WITH (autovacuum_enabled = off);
INSERT INTO patients
SELECT g, 'M' || lpad(g::text, 8, '0'), g % 20 = 0, CASE WHEN g % 10 > 0 THEN g % 50 END,
       date '1930-01-01' + g % 30000, 'User' || g % 5000 || '@Example.org', repeat('x', 60)
  FROM generate_series(1, 40000) g;
CREATE TABLE vitals (id bigint PRIMARY KEY, patient_id int NOT NULL, at timestamptz NOT NULL, kind text NOT NULL,
                     value float8) WITH (autovacuum_enabled = off);
INSERT INTO vitals
SELECT g, hashint4(-g) & 4095, timestamptz '2024-01-01 00:00+00' + g * interval '1 minute',
       CASE WHEN hashint4(g) % 100 = 0 THEN 'critical' ELSE 'normal' || g % 3 END, g % 211
  FROM generate_series(1, 120000) g;
CREATE TABLE readings (sensor int NOT NULL, at date NOT NULL, value float8) PARTITION BY RANGE (at);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2024-07-01')
    WITH (autovacuum_enabled = off);
CREATE TABLE readings_2 (value float8, junk int, at date NOT NULL, sensor int NOT NULL) WITH (autovacuum_enabled = off);
ALTER TABLE readings_2 DROP COLUMN junk;
ALTER TABLE readings ATTACH PARTITION readings_2 FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
INSERT INTO readings SELECT g % 500, date '2024-01-01' + g % 360, g FROM generate_series(1, 60000) g;
CREATE VIEW active_patients AS SELECT id, mrn, ward FROM patients WHERE active;
VACUUM ANALYZE patients;
VACUUM ANALYZE vitals;
VACUUM ANALYZE readings;

CREATE TABLE cases (id int, title text, query text, ddl text);
INSERT INTO cases VALUES
(1, 'equality', $$SELECT * FROM patients WHERE mrn = 'M00000777'$$, 'CREATE INDEX x ON patients (mrn)'),
(2, 'low selectivity', $$SELECT * FROM patients WHERE ward = 7$$, 'CREATE INDEX x ON patients (ward)'),
(3, 'partial', $$SELECT * FROM patients WHERE mrn = 'M00000780' AND active$$, 'CREATE INDEX x ON patients (mrn) WHERE active'),
(4, 'partial, all of it', $$SELECT * FROM vitals WHERE kind = 'critical'$$, $$CREATE INDEX x ON vitals (at) WHERE kind = 'critical'$$),
(5, 'partial, ordered', $$SELECT * FROM vitals WHERE kind = 'critical' ORDER BY at DESC LIMIT 20$$, $$CREATE INDEX x ON vitals (at DESC) WHERE kind = 'critical'$$),
(6, 'composite with limit', $$SELECT * FROM vitals WHERE patient_id = 17 ORDER BY at DESC LIMIT 10$$, 'CREATE INDEX x ON vitals (patient_id, at DESC)'),
(7, 'range', $$SELECT * FROM vitals WHERE at >= '2024-02-01 00:00+00' AND at < '2024-02-01 06:00+00'$$, 'CREATE INDEX x ON vitals (at)'),
(8, 'composite range', $$SELECT * FROM vitals WHERE patient_id = 17 AND at > '2024-02-01 00:00+00'$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(9, 'covering', $$SELECT at, value FROM vitals WHERE patient_id = 99$$, 'CREATE INDEX x ON vitals (patient_id) INCLUDE (at, value)'),
(10, 'index-only count', $$SELECT count(*) FROM patients WHERE ward = 3$$, 'CREATE INDEX x ON patients (ward)'),
(11, 'expression', $$SELECT * FROM patients WHERE lower(email) = 'user42@example.org'$$, 'CREATE INDEX x ON patients (lower(email))'),
(12, 'in list', $$SELECT * FROM patients WHERE mrn IN ('M00000001', 'M00000002', 'M00039999')$$, 'CREATE INDEX x ON patients (mrn)'),
(13, 'is null', $$SELECT * FROM patients WHERE ward IS NULL AND born = '1980-01-01'$$, 'CREATE INDEX x ON patients (born) WHERE ward IS NULL'),
(14, 'nested loop join', $$SELECT v.* FROM patients p JOIN vitals v ON v.patient_id = p.id WHERE p.id BETWEEN 10 AND 15$$, 'CREATE INDEX x ON vitals (patient_id)'),
(15, 'semi-join', $$SELECT * FROM patients p WHERE id < 40 AND EXISTS (SELECT FROM vitals v WHERE v.patient_id = p.id AND v.kind = 'critical')$$, $$CREATE INDEX x ON vitals (patient_id) WHERE kind = 'critical'$$),
(16, 'view', $$SELECT id FROM active_patients WHERE mrn = 'M00000040'$$, 'CREATE INDEX x ON patients (mrn) WHERE active'),
(17, 'update', $$UPDATE patients SET note = '' WHERE mrn = 'M00000040'$$, 'CREATE INDEX x ON patients (mrn)'),
(18, 'delete', $$DELETE FROM vitals WHERE patient_id = 5$$, 'CREATE INDEX x ON vitals (patient_id)'),
(19, 'pattern', $$SELECT * FROM patients WHERE mrn LIKE 'M000001%'$$, 'CREATE INDEX x ON patients (mrn text_pattern_ops)'),
(20, 'order nulls last', $$SELECT * FROM patients ORDER BY ward DESC NULLS LAST LIMIT 5$$, 'CREATE INDEX x ON patients (ward DESC NULLS LAST)'),
(21, 'min', $$SELECT min(at) FROM vitals WHERE patient_id = 3$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(22, 'merge join order', $$SELECT DISTINCT patient_id FROM vitals ORDER BY patient_id LIMIT 5$$, 'CREATE INDEX x ON vitals (patient_id)'),
(23, 'partition pruned', $$SELECT * FROM readings WHERE sensor = 17 AND at >= '2024-08-01'$$, 'CREATE INDEX x ON readings (sensor)'),
(24, 'all partitions', $$SELECT * FROM readings WHERE sensor = 17$$, 'CREATE INDEX x ON readings (sensor)'),
(25, 'partial over partitions', $$SELECT * FROM readings WHERE sensor = 17 AND value > 59000$$, 'CREATE INDEX x ON readings (sensor) WHERE value > 59000'),
(26, 'one partition by name', $$SELECT * FROM readings_2 WHERE sensor = 17$$, 'CREATE INDEX x ON readings (sensor)'),
(27, 'self-join', $$SELECT a.id FROM vitals a JOIN vitals b USING (patient_id, at) WHERE a.id = 55$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(28, 'union', $$SELECT id FROM patients WHERE mrn = 'M00000001' UNION ALL SELECT id FROM patients WHERE ward = 5$$, 'CREATE INDEX x ON patients (mrn)'),
(29, 'an index that does not help', $$SELECT count(note) FROM patients$$, 'CREATE INDEX x ON patients (ward)'),
(30, 'least and greatest', $$SELECT min(at), max(at) FROM vitals$$, 'CREATE INDEX x ON vitals (at)'),
(31, 'or', $$SELECT * FROM vitals WHERE patient_id = 5 OR id = 77$$, 'CREATE INDEX x ON vitals (patient_id)'),
(32, 'recursive', $$WITH RECURSIVE r AS (SELECT id, patient_id FROM vitals WHERE id = 3 UNION SELECT v.id, v.patient_id FROM r JOIN vitals v ON v.patient_id = r.id) SELECT * FROM r$$, 'CREATE INDEX x ON vitals (patient_id)'),
(33, 'intersection', $$SELECT id FROM vitals WHERE patient_id = 8 INTERSECT SELECT id FROM patients WHERE ward = 3$$, 'CREATE INDEX x ON vitals (patient_id)'),
(34, 'window', $$SELECT at, avg(value) OVER (ORDER BY at) FROM vitals WHERE patient_id = 8$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(35, 'grouping sets', $$SELECT patient_id, kind, count(*) FROM vitals WHERE patient_id < 9 GROUP BY GROUPING SETS ((patient_id), (patient_id, kind))$$, 'CREATE INDEX x ON vitals (patient_id, kind)'),
(36, 'locked rows', $$SELECT * FROM vitals WHERE patient_id = 8 FOR UPDATE$$, 'CREATE INDEX x ON vitals (patient_id)'),
(37, 'materialized', $$WITH m AS MATERIALIZED (SELECT id FROM vitals WHERE patient_id = 8) SELECT * FROM m a JOIN m b USING (id)$$, 'CREATE INDEX x ON vitals (patient_id)'),
(38, 'scalar subquery', $$SELECT id, (SELECT max(at) FROM vitals v WHERE v.patient_id = p.id) FROM patients p WHERE id < 20$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(39, 'one of two subplans', $$SELECT count(*) FROM patients p WHERE id < 20 AND (ward IS NULL OR EXISTS (SELECT FROM vitals v WHERE v.patient_id = p.id AND v.at > '2024-03-01 00:00+00'))$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(40, 'one of two subplans in a subquery', $$SELECT id FROM (SELECT id, ward IS NULL OR EXISTS (SELECT FROM vitals v WHERE v.patient_id = p.id) AS x FROM patients p OFFSET 0) s WHERE x$$, 'CREATE INDEX x ON vitals (patient_id)'),
(41, 'lateral', $$SELECT p.id, l.at FROM patients p, LATERAL (SELECT at FROM vitals v WHERE v.patient_id = p.id ORDER BY at DESC LIMIT 1) l WHERE p.ward = 3$$, 'CREATE INDEX x ON vitals (patient_id, at)'),
(42, 'insert', $$INSERT INTO patients (id, mrn, active) SELECT id, kind, true FROM vitals WHERE patient_id = 8$$, 'CREATE INDEX x ON vitals (patient_id)'),
(43, 'changed below', $$WITH gone AS (DELETE FROM vitals WHERE patient_id = 8 RETURNING id) SELECT count(*) FROM gone$$, 'CREATE INDEX x ON vitals (patient_id)'),
(44, 'set-returning', $$SELECT generate_series(1, ward) FROM patients WHERE mrn = 'M00000001'$$, 'CREATE INDEX x ON patients (mrn)'),
(45, 'distinct on', $$SELECT DISTINCT ON (patient_id) * FROM vitals WHERE patient_id < 50 ORDER BY patient_id, at DESC$$, 'CREATE INDEX x ON vitals (patient_id, at DESC)'),
(46, 'merge join', $$SELECT p.id, v.at FROM patients p JOIN vitals v ON v.patient_id = p.id ORDER BY p.id LIMIT 5000$$, 'CREATE INDEX x ON vitals (patient_id)'),
(47, 'merge join of three', $$SELECT p.id FROM patients p JOIN vitals v ON v.patient_id = p.id JOIN vitals w ON w.patient_id = p.id AND w.id < 200 ORDER BY p.id$$, 'CREATE INDEX x ON vitals (patient_id)');

-- Both with the index's name replaced: partitions' indexes have names of their own.
CREATE FUNCTION shape(plan text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(plan, '  \(cost=[^)]*\)', '', 'g'), '(using|Index Scan on) (x|readings_\w+_idx)\M', '\1 x', 'g')
$$;

-- same_price: what_if_costs says the same.
CREATE FUNCTION compare(c cases, OUT same_plan boolean, OUT same_cost boolean, OUT used boolean, OUT same_price boolean)
LANGUAGE plpgsql AS $$
DECLARE
    guess record;
    price record;
    real_plan text := '';
    line text;
    real_cost float8;
BEGIN
    SELECT * INTO STRICT guess FROM triage.what_if(c.query, ARRAY[c.ddl]);
    SELECT * INTO STRICT price FROM triage.what_if_costs(c.query, ARRAY[c.ddl]);
    EXECUTE c.ddl;
    FOR line IN EXECUTE 'EXPLAIN ' || c.query LOOP
        real_plan := real_plan || line || E'\n';
    END LOOP;
    DROP INDEX x;
    real_cost := substring(real_plan FROM 'cost=[0-9.]+\.\.([0-9.]+)')::float8;
    same_plan := shape(guess.plan) = shape(rtrim(real_plan, E'\n'));
    same_cost := abs(guess.cost_after - real_cost) <= 0.05 * real_cost;
    used := guess.indexes_used = '{x}' AND guess.cost_after < guess.cost_before;
    same_price := price.cost = guess.cost_after AND cardinality(price.indexes_used) = cardinality(guess.indexes_used);
    IF NOT same_plan OR NOT same_cost THEN
        RAISE WARNING E'% against %\n%\n%', guess.cost_after, real_cost, guess.plan, real_plan;
    END IF;
END $$;

SELECT id, title, r.* FROM cases c, compare(c) r ORDER BY id;

-- The same with partitionwise plans and parallel workers in reach.
SET parallel_setup_cost = 10;
SET parallel_tuple_cost = 0.001;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT id, title, r.* FROM cases c, compare(c) r
 WHERE NOT (same_plan AND same_cost AND same_price) OR id IN (10, 24) ORDER BY id;
RESET ALL;

SET client_min_messages = warning;
DROP SCHEMA parity CASCADE;
DROP EXTENSION pg_triage, pg_stat_statements;

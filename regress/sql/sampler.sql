-- What the sampler sees of statements of every kind. Every execution is sampled (regress/pg_triage.conf).
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_triage CASCADE;
RESET client_min_messages;

CREATE TABLE lab_orders (
    id int PRIMARY KEY,
    patient_id int NOT NULL,
    status text NOT NULL,
    priority int NOT NULL,
    active bool NOT NULL,
    ordered_on date,
    remark text
) WITH (autovacuum_enabled = off);
-- 2000 of each 'open' and 'pending', 6000 'closed'; priority 1 to 5; one in ten inactive.
INSERT INTO lab_orders
SELECT g, g / 10, (ARRAY['open', 'pending', 'closed', 'closed', 'closed'])[1 + g % 5], 1 + g / 5 % 5,
       g % 10 <> 0, date '2020-01-01' + g % 1000, CASE WHEN g % 4 = 0 THEN 'remark ' || g END
  FROM generate_series(1, 10000) g;
ANALYZE lab_orders;

-- What was seen of a table: the conditions side by side, the executions' figures.
CREATE VIEW seen AS
SELECT relation, columns, operators, constants, executions AS n, sequential AS seq, sorted, limited,
       round(actual_rows) AS rows, round(rows_removed) AS removed,
       round(mean_selectivity::numeric, 3) AS selectivity, shared_values AS shared, withheld
  FROM triage.access_patterns
 WHERE relation::text IN ('lab_orders', 'measurements_1', 'measurements_2')
 ORDER BY relation::text, columns::text, operators::text, constants::text;

-- Literals of every operator.
SELECT triage.reset();
SELECT count(*) FROM lab_orders WHERE status = 'open';
SELECT count(*) FROM lab_orders WHERE 'open' = status AND 3 < priority;
SELECT count(*) FROM lab_orders WHERE status IN ('open', 'pending');
SELECT count(*) FROM lab_orders WHERE status NOT IN ('open', 'pending');
SELECT count(*) FROM lab_orders WHERE status <> 'closed' AND active;
SELECT count(*) FROM lab_orders WHERE NOT active AND remark IS NULL;
SELECT count(*) FROM lab_orders WHERE remark IS NOT NULL AND ordered_on >= '2020-01-01'::date + 500;
SELECT count(*) FROM lab_orders WHERE ordered_on BETWEEN '2020-06-01' AND '2020-06-30';
SELECT count(*) FROM lab_orders WHERE remark LIKE 'remark 1%';
SELECT count(*) FROM lab_orders WHERE remark LIKE '%1';
SELECT count(*) FROM lab_orders WHERE ordered_on > now() - interval '100 years';
SELECT count(*) FROM lab_orders WHERE patient_id = 77;
SELECT id FROM lab_orders WHERE patient_id = 77 ORDER BY ordered_on LIMIT 1;
SELECT count(*) FROM lab_orders WHERE status = 'no such status';
SELECT count(*) FROM lab_orders WHERE status = NULL;
\x on
SELECT * FROM seen;
\x off

-- Index scans show the same conditions as the sequential scan that they replace.
CREATE INDEX lab_orders_patient ON lab_orders (patient_id, priority) INCLUDE (status);
ANALYZE lab_orders;
SET enable_seqscan = off;
SELECT triage.reset();
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SELECT count(*) FROM lab_orders WHERE patient_id = 77 AND priority = 1 AND status = 'open';
SET enable_indexonlyscan = on;
VACUUM lab_orders;
SELECT count(*) FROM lab_orders WHERE patient_id = 77 AND priority = 1 AND status = 'open';
SET enable_bitmapscan = on;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SELECT count(*) FROM lab_orders WHERE patient_id = 77 AND priority = 1 AND status = 'open';
RESET enable_seqscan;
RESET enable_indexscan;
RESET enable_indexonlyscan;
SELECT columns, operators, constants, n, seq, shared FROM seen;
SELECT p.plan FROM triage.plans p JOIN triage.statements s USING (userid, queryid)
 WHERE s.query LIKE '%patient_id = $1 AND priority%' ORDER BY p.plan COLLATE "C";

-- A plan is another one also where it costs exactly the same: through an index that takes another's place.
SELECT triage.reset();
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(priority) FROM lab_orders WHERE patient_id = 78;
CREATE INDEX lab_orders_patient_again ON lab_orders (patient_id, priority) INCLUDE (status);
SELECT count(priority) FROM lab_orders WHERE patient_id = 78;
SELECT count(priority) FROM lab_orders WHERE patient_id = 78;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT p.plan, p.executions FROM triage.plans p JOIN triage.statements s USING (userid, queryid)
 WHERE s.query LIKE '%count(priority)%' ORDER BY p.plan COLLATE "C";
DROP INDEX lab_orders_patient, lab_orders_patient_again;

-- Parameters are told from literals, under custom and under generic plans, and in functions.
SELECT triage.reset();
PREPARE by_status(text, int) AS
    SELECT count(*) FROM lab_orders WHERE status = $1 AND priority >= $2 AND active = true AND remark IS NULL AND patient_id < 500;
SET plan_cache_mode = force_custom_plan;
EXECUTE by_status('open', 2);
EXECUTE by_status('closed', 2);
SET plan_cache_mode = force_generic_plan;
EXECUTE by_status('pending', 2);
RESET plan_cache_mode;
CREATE FUNCTION count_orders(wanted text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM lab_orders WHERE status = wanted AND priority = 4);
END
$$;
SELECT count_orders('open');
CREATE VIEW open_orders AS SELECT * FROM lab_orders WHERE status = 'open';
PREPARE by_patient(int) AS SELECT count(*) FROM open_orders WHERE patient_id = $1;
EXECUTE by_patient(5);
SELECT columns, constants, n, shared, withheld FROM seen;
SELECT sampled, generic_plans FROM triage.statements WHERE query LIKE 'PREPARE by_status%';

-- Joins: what comes from the other relation is a join condition.
SELECT triage.reset();
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
CREATE INDEX lab_orders_patient ON lab_orders (patient_id);
SELECT count(*) FROM (VALUES (1), (2), (3)) p(id) JOIN lab_orders o ON o.patient_id = p.id WHERE o.status = 'open';
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;
SELECT columns, operators, constants, n, shared FROM seen;
DROP INDEX lab_orders_patient;

-- Writes: the target's scan, and the relation of an INSERT.
SELECT triage.reset();
UPDATE lab_orders SET remark = 'done' WHERE id = 17 AND status = 'closed';
DELETE FROM lab_orders WHERE id = 18;
INSERT INTO lab_orders VALUES (18, 1, 'closed', 1, true);
SELECT columns, constants, n, withheld FROM seen;
SELECT left(query, 22) AS query, calls, rows, main_relation, data_class, workflow FROM triage.statements
 WHERE main_relation = 'lab_orders'::regclass ORDER BY query COLLATE "C";

-- A partitioned table: each partition that was read.
CREATE TABLE measurements (at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE measurements_1 PARTITION OF measurements FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE measurements_2 PARTITION OF measurements FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO measurements SELECT '2020-01-01'::date + g % 700, 'kind ' || g % 3 FROM generate_series(1, 3000) g;
ANALYZE measurements;
SELECT triage.reset();
SELECT count(*) FROM measurements WHERE kind = 'kind 1';
SELECT count(*) FROM measurements WHERE kind = 'kind 2' AND at < '2020-02-01';
SELECT relation, columns, constants, n, shared FROM seen;

-- Each statement counts under its own name: in functions and triggers too.
CREATE FUNCTION nested(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint := 0;
BEGIN
    FOR i IN 1..n LOOP
        total := total + (SELECT count(*) FROM lab_orders WHERE priority = i);
    END LOOP;
    RETURN total;
END
$$;
SELECT triage.reset();
SELECT nested(5);
SELECT s.calls, s.rows, (s.query IS NULL) AS only_nested
  FROM triage.statements s JOIN triage.scan_statistics() c USING (userid, queryid) WHERE c.relid = 'lab_orders'::regclass;
SELECT calls FROM triage.statements WHERE query LIKE 'SELECT nested%';

-- A cursor counts once, when it is closed, with all that was fetched from it. (The server gives the query
-- of DECLARE CURSOR an identifier of its own only from version 17 or so on; that of PL/pgSQL's always.)
CREATE FUNCTION fetch_some() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    c CURSOR FOR SELECT id FROM lab_orders WHERE status = 'pending' ORDER BY id;
    one int;
    total int := 0;
BEGIN
    OPEN c;
    FOR i IN 1..60 LOOP
        FETCH c INTO one;
        total := total + 1;
    END LOOP;
    CLOSE c;
    RETURN total;
END
$$;
SELECT triage.reset();
SELECT fetch_some();
SELECT columns, n, sorted FROM seen;
SELECT s.calls FROM triage.statements s JOIN triage.scan_statistics() c USING (userid, queryid) WHERE c.relid = 'lab_orders'::regclass;

-- What fails is not counted, and leaves nothing behind.
SELECT triage.reset();
SELECT 1 / (priority - 1) FROM lab_orders WHERE status = 'open';
DO $$
BEGIN
    PERFORM 1 / (priority - 1) FROM lab_orders WHERE status = 'open';
EXCEPTION WHEN division_by_zero THEN
    PERFORM count(*) FROM lab_orders WHERE status = 'pending';
END
$$;
BEGIN;
SAVEPOINT s;
SELECT 1 / (priority - 1) FROM lab_orders WHERE status = 'open';
ROLLBACK TO s;
SELECT count(*) FROM lab_orders WHERE status = 'pending' AND active;
COMMIT;
SELECT columns, n, shared FROM seen;

-- EXPLAIN alone does not count; with ANALYZE the statement ran.
SELECT triage.reset();
EXPLAIN (COSTS OFF) SELECT count(*) FROM lab_orders WHERE status = 'open';
SELECT count(*) FROM seen;
DO $$ BEGIN EXECUTE 'EXPLAIN ANALYZE SELECT count(*) FROM lab_orders WHERE status = ''open'''; END $$;
SELECT columns, n FROM seen;

-- Parallel workers are part of their leader's execution.
SELECT triage.reset();
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT count(*) FROM lab_orders WHERE priority = 1;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT columns, n, rows, removed FROM seen;
SELECT calls FROM triage.statements WHERE query LIKE '%WHERE priority = $1' AND main_relation = 'lab_orders'::regclass;
SELECT p.plan FROM triage.plans p JOIN triage.statements s USING (userid, queryid) WHERE s.query LIKE '%WHERE priority = $1';

-- Temporary tables, catalogs and our own tables are no workload.
SELECT triage.reset();
CREATE TEMPORARY TABLE scratch (status text);
INSERT INTO scratch SELECT 'open' FROM generate_series(1, 2000);
SELECT count(*) FROM scratch WHERE status = 'open';
SELECT count(*) > 0 AS some FROM pg_class WHERE relname = 'lab_orders';
SELECT count(*) >= 0 AS some FROM triage.audit_log WHERE action = 'reset';
SELECT DISTINCT relation FROM triage.access_patterns;

-- Latencies hang together, and are those of pg_stat_statements.
SELECT triage.reset();
SELECT pg_stat_statements_reset() IS NOT NULL AS reset;
SELECT count(*) FROM lab_orders WHERE id > 10;
SELECT count(*) FROM lab_orders WHERE id > 20;
SELECT count(*) FROM lab_orders WHERE id > 30;
SELECT s.calls, s.calls = p.calls AS same_calls, s.rows = p.rows AS same_rows,
       abs(s.total_ms - p.total_exec_time) <= 0.001 AS same_time,
       abs(s.max_ms - p.max_exec_time) <= 0.001 AS same_max,
       s.p50_ms <= s.p95_ms AND s.p95_ms <= s.p99_ms AND s.p99_ms <= s.max_ms AS in_order,
       s.shared_blks_hit + s.shared_blks_read > 0 AS blocks,
       s.first_seen < s.last_seen AND s.last_seen <= now() AS times
  FROM triage.statements s JOIN pg_stat_statements p USING (userid, dbid, queryid)
 WHERE p.query LIKE '%WHERE id > $1';

-- Switched off at once, and on again.
SELECT triage.reset();
SET pg_triage.enabled = off;
SELECT count(*) FROM lab_orders WHERE status = 'open';
RESET pg_triage.enabled;
SELECT count(*) FROM seen;
SET pg_triage.sample_rate = 0;
SELECT count(*) FROM lab_orders WHERE status = 'open';
RESET pg_triage.sample_rate;
SELECT count(*) FROM seen;
SELECT calls, sampled FROM triage.statements WHERE query LIKE '%WHERE status = $1';

-- Looking at plans may take no time at all: executions are still counted, and so is what is left out.
SELECT triage.reset();
SET pg_triage.sample_budget = 0;
SELECT count(*) FROM lab_orders WHERE status = 'open';
RESET pg_triage.sample_budget;
SELECT count(*) FROM lab_orders WHERE status = 'open';
SELECT calls, sampled FROM triage.statements WHERE query LIKE '%WHERE status = $1';
SELECT ok, detail FROM triage.self_check() WHERE "check" = 'samples succeed';

DROP VIEW seen, open_orders;
DROP FUNCTION nested, count_orders, fetch_some;
DROP TABLE lab_orders, measurements;

DROP EXTENSION pg_triage, pg_stat_statements;

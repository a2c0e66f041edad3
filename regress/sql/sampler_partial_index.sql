-- What a partial index's predicate implies is not in the plan, but it is a condition all the same: or the
-- statement would be taken for one that needs an index without the condition.
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE orders (id int PRIMARY KEY, status text, ordered_at int, done bool, note text);
INSERT INTO orders SELECT i, CASE WHEN i % 200 = 0 THEN 'pending' ELSE 'completed' END, i * 7919 % 50000, i % 100 <> 0, repeat('x', 60)
  FROM generate_series(1, 50000) i;
CREATE INDEX ON orders (ordered_at) WHERE status = 'pending' AND NOT done;
VACUUM ANALYZE orders;
SELECT FROM triage.reset(), pg_stat_statements_reset();

-- A scan, one that keeps the condition because it locks rows, an index-only scan, a bitmap scan, and parameters.
SELECT count(*) FROM (SELECT note FROM orders WHERE status = 'pending' AND NOT done ORDER BY ordered_at LIMIT 5) o;
SELECT count(*) FROM (SELECT note FROM orders WHERE status = 'pending' AND NOT done ORDER BY ordered_at LIMIT 5 FOR UPDATE) o;
SELECT count(ordered_at) FROM orders WHERE status = 'pending' AND NOT done AND ordered_at > 49000;
SET enable_indexscan = off;
SELECT count(note) FROM orders WHERE status = 'pending' AND NOT done AND ordered_at < 3000;
RESET enable_indexscan;
SET plan_cache_mode = force_custom_plan;
PREPARE waiting(text) AS SELECT count(*) FROM (SELECT note FROM orders WHERE status = $1 AND NOT done ORDER BY ordered_at LIMIT 5) o;
EXECUTE waiting('pending');

SELECT columns, operators, constants, executions, sequential, shared_values
  FROM triage.access_patterns WHERE relation = 'orders'::regclass ORDER BY columns, constants, executions;
DROP TABLE orders;
DROP EXTENSION pg_triage, pg_stat_statements;

-- A statement's plan gives way to another one: said with both plans and what it did to the time; plans for
-- different parameters, side by side, are no change.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_triage CASCADE;
RESET client_min_messages;
SET max_parallel_workers_per_gather = 0;
SET jit = off;

CREATE TABLE visits (id int, patient_id int, ward text) WITH (autovacuum_enabled = off);
INSERT INTO visits SELECT g, g / 5, CASE WHEN g % 1000 = 0 THEN 'rare' ELSE 'common' END FROM generate_series(1, 100000) g;
CREATE INDEX visits_patient ON visits (patient_id);
VACUUM ANALYZE visits;

CREATE PROCEDURE look(times int) LANGUAGE plpgsql AS $$
DECLARE
    found int;
BEGIN
    FOR i IN 1..times LOOP
        EXECUTE 'SELECT count(id) FROM visits WHERE patient_id = $1' INTO found USING i;
    END LOOP;
END
$$;
CREATE VIEW seen AS
SELECT c.effect, c.severity IS NOT NULL AS severe, c.factor > 1 AS slower, c.is_current AS current,
       c.executions_before AS before, c.executions_after AS after, c.times_taken_up AS times,
       c.p95_before_ms > 0 AND c.p95_after_ms > 0 AND c.mean_before_ms > 0 AND c.changed_at <= now() AS figures,
       regexp_replace(c.plan_before, '\d+', 'N', 'g') AS plan_before, c.plan_after
  FROM triage.plan_changes c
  JOIN triage.statement_statistics() s USING (userid, queryid)
 WHERE s.main_relation = 'visits'::regclass
 ORDER BY c.changed_at;
SET enable_bitmapscan = off;
SELECT triage.reset();

-- One plan is no change.
CALL look(40);
SELECT * FROM seen;

-- The index is gone: at first nobody can tell, then the statement is slower.
DROP INDEX visits_patient;
CALL look(5);
SELECT effect, severe, before, after FROM seen;
CALL look(35);
\x on
SELECT * FROM seen;

-- It is back (under another number, so this is a third plan).
CREATE INDEX visits_patient ON visits (patient_id);
CALL look(40);
SELECT * FROM seen;
\x off

-- A plan that comes back: the change that it made is the current one.
SET enable_indexscan = off;
CALL look(40);
SELECT effect, severe, current, before, after, times FROM seen;
RESET enable_indexscan;

-- Two plans in turn, for two kinds of values.
CREATE INDEX visits_ward ON visits (ward);
CREATE PROCEDURE look_both_ways(times int) LANGUAGE plpgsql AS $$
DECLARE
    found int;
BEGIN
    FOR i IN 1..times LOOP
        EXECUTE 'SELECT count(id) FROM visits WHERE ward = $1' INTO found USING 'rare';
        EXECUTE 'SELECT count(id) FROM visits WHERE ward = $1' INTO found USING 'common';
    END LOOP;
END
$$;
SELECT triage.reset();
CALL look_both_ways(30);
SELECT p.executions, regexp_replace(p.plan, '\s+', ' ', 'g') AS plan
  FROM triage.plans p JOIN triage.statement_statistics() s USING (userid, queryid)
 WHERE s.main_relation = 'visits'::regclass ORDER BY p.plan COLLATE "C";
SELECT * FROM seen;

-- The text of the statement is without its literals; whoever may not see the statement sees no change.
SELECT triage.reset();
SET enable_bitmapscan = off;
SELECT count(id) FROM visits WHERE patient_id = 77;
SET enable_indexscan = off;
SELECT count(id) FROM visits WHERE patient_id = 78;
RESET enable_indexscan;
SELECT c.query, c.effect FROM triage.plan_changes c JOIN triage.statement_statistics() s USING (userid, queryid)
 WHERE s.main_relation = 'visits'::regclass;
CREATE ROLE regress_plan_reader IN ROLE triage_reader;
SET ROLE regress_plan_reader;
SELECT count(*) FROM triage.plan_changes;
RESET ROLE;
DROP ROLE regress_plan_reader;

DROP VIEW seen;
DROP PROCEDURE look, look_both_ways;
DROP TABLE visits;
DROP EXTENSION pg_triage, pg_stat_statements;

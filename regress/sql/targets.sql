-- What "fast enough" means, who may change it, and what counts as evidence.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
SELECT target, measure, workflow, limit_value, unit, comparison, severity FROM triage.targets ORDER BY target;

-- every target has its row; what is not known is null, and so no failure
SELECT count(*) = (SELECT count(*) FROM triage.targets) AS all_there,
       bool_and(detail <> '') AS all_explained
  FROM triage.check_targets();
SELECT target, figure, ok FROM triage.check_targets() WHERE target IN ('cpu', 'memory') ORDER BY target;
SELECT figure > 0 AS some_sessions, ok = (figure < limit_value) AS compared FROM triage.check_targets() WHERE target = 'connections';
-- a rate below the limit proves nothing
UPDATE triage.targets SET limit_value = 1e9 WHERE target = 'throughput';
SELECT figure > 0 AS some_rate, ok FROM triage.check_targets() WHERE target = 'throughput';
UPDATE triage.targets SET limit_value = 1e-9 WHERE target = 'throughput';
SELECT figure > 0 AS some_rate, ok FROM triage.check_targets() WHERE target = 'throughput';

-- a limit that is missed
UPDATE triage.targets SET limit_value = 1e-9 WHERE target = 'connections';
SELECT ok FROM triage.check_targets() WHERE target = 'connections';

-- percentiles: none without a statement of that workflow, and none from too few executions
INSERT INTO triage.targets (target, measure, workflow, limit_value, severity)
VALUES ('nothing', 'p95', 'no_such_workflow', 1, 'low');
SELECT figure, ok, detail FROM triage.check_targets() WHERE target = 'nothing';

-- rows that make no sense
\set VERBOSITY terse
INSERT INTO triage.targets (target, measure, limit_value, severity) VALUES ('x', 'p95', 0, 'low');
INSERT INTO triage.targets (target, measure, limit_value, severity) VALUES ('x', 'p95', 'NaN', 'low');
INSERT INTO triage.targets (target, measure, limit_value, severity) VALUES ('x', 'p42', 1, 'low');
INSERT INTO triage.targets (target, measure, limit_value, severity) VALUES ('x', 'p95', 1, 'dire');
INSERT INTO triage.targets (target, measure, workflow, limit_value, severity) VALUES ('x', 'cpu', 'audit', 1, 'low');
UPDATE triage.targets SET unit = 'furlongs' WHERE target = 'p95';

\set VERBOSITY default

-- a row of the same name takes the other's place, as when a dump is restored
INSERT INTO triage.targets (target, measure, limit_value, severity) VALUES ('nothing', 'p99', 5, 'high');
SELECT measure, workflow, limit_value, changed_by IS NOT NULL AS changed FROM triage.targets WHERE target = 'nothing';

-- rights, and the trail
CREATE ROLE regress_targets_reader;
CREATE ROLE regress_targets_operator;
GRANT triage_reader TO regress_targets_reader;
GRANT triage_operator TO regress_targets_operator;
SET ROLE regress_targets_reader;
SELECT count(*) > 0 AS readable FROM triage.check_targets();
UPDATE triage.targets SET limit_value = 1 WHERE target = 'p95';
SET ROLE regress_targets_operator;
UPDATE triage.targets SET limit_value = 1500, severity = 'critical' WHERE target = 'p95';
DELETE FROM triage.targets WHERE target = 'nothing';
INSERT INTO triage.audit_log (action) VALUES ('forged');
RESET ROLE;
SELECT action, object, details FROM triage.audit_log WHERE object IN ('p95', 'nothing') ORDER BY id;

-- only what was changed is dumped; the rest comes with the extension
SELECT target FROM triage.targets WHERE changed_by IS NOT NULL ORDER BY target;
SELECT c.condition
  FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS c(relation, condition)
 WHERE e.extname = 'pg_triage' AND c.relation = 'triage.targets'::regclass;

DROP ROLE regress_targets_reader, regress_targets_operator;
DROP EXTENSION pg_triage, pg_stat_statements;

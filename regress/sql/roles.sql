-- A row for each object of the extension: the least role that may use it. An object without a row, a row
-- without an object and a right that is not as stated make this fail.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
RESET client_min_messages;
CREATE ROLE regress_roles_nobody;
CREATE ROLE regress_roles_reader IN ROLE triage_reader;
CREATE ROLE regress_roles_operator IN ROLE triage_operator;

-- everybody > reader > operator > owner (a superuser)
CREATE TEMP TABLE stated (object text PRIMARY KEY, may_use text NOT NULL, may_change text);
INSERT INTO stated VALUES
    -- what was observed
    ('statements', 'reader', 'owner'),
    ('access_patterns', 'reader', 'owner'),
    ('plans', 'reader', 'owner'),
    ('plan_changes', 'reader', 'owner'),
    ('application_advice', 'reader', 'owner'),
    ('activity', 'reader', 'owner'),
    ('activity_by_hour', 'reader', 'owner'),
    ('cache', 'reader', 'owner'),
    ('workflow_latency', 'reader', 'owner'),
    ('activity_hours()', 'reader', NULL),
    ('activity_minutes()', 'reader', NULL),
    ('heat(integer)', 'reader', NULL),
    ('hot_blocks()', 'reader', NULL),
    ('resident_blocks()', 'reader', NULL),
    ('miss_ratio_curve(bigint[])', 'reader', NULL),
    ('latency_buckets()', 'reader', NULL),
    ('latency_histogram()', 'reader', NULL),
    ('plan_statistics()', 'reader', NULL),
    ('plan_comparisons()', 'reader', NULL),
    ('application_patterns()', 'reader', NULL),
    ('scan_statistics()', 'reader', NULL),
    ('statement_statistics()', 'reader', NULL),
    ('sampler_checks()', 'reader', NULL),
    ('self_check()', 'reader', NULL),
    ('without_literals(text)', 'reader', NULL),
    ('reset()', 'operator', NULL),
    ('pause_heat(integer)', 'operator', NULL),
    -- of the whole cluster and every user; raw memory
    ('reset_store()', 'owner', NULL),
    ('dump_store()', 'owner', NULL),
    -- what is said of the data
    ('data_class_settings', 'reader', 'owner'),
    ('data_classes', 'reader', 'owner'),
    ('data_class_of(oid)', 'reader', NULL),
    ('guess_data_class(text)', 'reader', NULL),
    ('workflow_of(text)', 'reader', NULL),
    ('set_data_class(regclass,text)', 'operator', NULL),
    ('targets', 'reader', 'operator'),
    ('target_changes()', 'owner', NULL),
    ('check_targets()', 'reader', NULL),
    -- advice: planned with the caller's rights
    ('what_if(text,text[],text)', 'reader', NULL),
    ('what_if_costs(text,text[],integer[],text)', 'reader', NULL),
    ('estimate_index_size(text)', 'reader', NULL),
    ('assert_uses_index(text,bigint)', 'reader', NULL),
    ('joint_selectivity(bigint[],text[],double precision[],bigint[])', 'reader', NULL),
    ('recommend_indexes(text[],bigint,integer,double precision,regclass[])', 'reader', NULL),
    ('recommend_drops(interval)', 'reader', NULL),
    ('recommendations', 'reader', 'owner'),
    ('recommendations_id_seq', 'owner', 'owner'),
    ('refresh_recommendations(text[],bigint,integer,double precision,regclass[])', 'operator', NULL),
    -- jobs: the tables are read through the view only and written by functions only
    ('jobs', 'reader', 'owner'),
    ('size_predictions', 'reader', 'owner'),
    ('unindexed_foreign_keys', 'reader', 'owner'),
    ('job', 'owner', 'owner'),
    ('job_id_seq', 'owner', 'owner'),
    ('job_parts', 'owner', 'owner'),
    ('job_statements', 'owner', 'owner'),
    ('build_progress()', 'reader', NULL),
    ('wait_for_job(bigint,interval,boolean)', 'reader', NULL),
    ('create_index(bigint)', 'operator', NULL),
    ('ensure_index(text)', 'operator', NULL),
    ('drop_index(regclass)', 'operator', NULL),
    ('undo(bigint)', 'operator', NULL),
    ('cancel_job(bigint)', 'operator', NULL),
    ('request_worker()', 'operator', NULL),
    -- the record of all that was done
    ('audit_log', 'reader', 'owner'),
    ('audit_log_id_seq', 'owner', 'owner'),
    ('audit_log_is_append_only()', 'owner', NULL),
    ('version()', 'everybody', NULL);

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid, c.relkind, coalesce(c.relname::text, replace(p.oid::regprocedure::text, 'triage.', '')) AS object
  FROM pg_depend d
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_triage'
  LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';

-- Kinds of objects that nothing is said of here.
SELECT DISTINCT classid::regclass AS unknown_kind FROM members
 WHERE classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass);

CREATE TEMP TABLE granted AS
SELECT object,
       CASE WHEN 'nobody' = ANY (users) THEN 'everybody' WHEN 'reader' = ANY (users) THEN 'reader'
            WHEN 'operator' = ANY (users) THEN 'operator' ELSE 'owner' END AS may_use,
       CASE WHEN classid = 'pg_proc'::regclass THEN NULL
            WHEN 'nobody' = ANY (changers) THEN 'everybody' WHEN 'reader' = ANY (changers) THEN 'reader'
            WHEN 'operator' = ANY (changers) THEN 'operator' ELSE 'owner' END AS may_change,
       users, changers
  FROM (SELECT *,
               ARRAY(SELECT role FROM unnest(ARRAY['nobody', 'reader', 'operator']) role
                      WHERE CASE WHEN classid = 'pg_proc'::regclass THEN has_function_privilege('regress_roles_' || role, objid, 'EXECUTE')
                                 WHEN relkind = 'S' THEN has_sequence_privilege('regress_roles_' || role, objid, 'SELECT')
                                 ELSE has_any_column_privilege('regress_roles_' || role, objid, 'SELECT') END) AS users,
               ARRAY(SELECT role FROM unnest(ARRAY['nobody', 'reader', 'operator']) role
                      WHERE CASE WHEN classid = 'pg_proc'::regclass THEN false
                                 WHEN relkind = 'S' THEN has_sequence_privilege('regress_roles_' || role, objid, 'USAGE, UPDATE')
                                 ELSE has_table_privilege('regress_roles_' || role, objid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
                                      OR has_any_column_privilege('regress_roles_' || role, objid, 'INSERT, UPDATE, REFERENCES') END) AS changers
          FROM members WHERE classid <> 'pg_type'::regclass) member;

SELECT object, s.may_use AS stated_use, g.may_use AS granted_use, s.may_change AS stated_change, g.may_change AS granted_change
  FROM stated s FULL JOIN granted g USING (object)
 WHERE (s.may_use, s.may_change) IS DISTINCT FROM (g.may_use, g.may_change)
 ORDER BY object COLLATE "C";

-- Each role has all that the one below it has.
SELECT object, users, changers FROM granted
 WHERE cardinality(users) <> array_position(ARRAY['owner', 'operator', 'reader', 'everybody'], may_use) - 1
    OR may_change IS NOT NULL
       AND cardinality(changers) <> array_position(ARRAY['owner', 'operator', 'reader', 'everybody'], may_change) - 1;

-- And so it is when they really look: a view calls its functions with the rights of who reads it.
CREATE FUNCTION pg_temp.can_read(role text, object text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', role);
    EXECUTE format('SELECT * FROM triage.%I', object);
    RESET ROLE;
    RETURN true;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN false;
END
$$;
SELECT object, may_use, role
  FROM stated
  JOIN members USING (object),
       unnest(ARRAY['nobody', 'reader', 'operator'], ARRAY[3, 2, 1]) AS roles(role, rank)
 WHERE relkind IN ('r', 'v')
   AND pg_temp.can_read('regress_roles_' || role, object)
       <> (rank < array_position(ARRAY['owner', 'operator', 'reader', 'everybody'], may_use))
 ORDER BY object COLLATE "C", role COLLATE "C";
SELECT count(*) > 10 AS looked_at_all FROM members WHERE relkind IN ('r', 'v');

DROP VIEW members;
DROP ROLE regress_roles_nobody, regress_roles_reader, regress_roles_operator;
DROP EXTENSION pg_triage, pg_stat_statements;

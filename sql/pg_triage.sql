-- pg_triage: every SQL object of the extension. The one true file; the build copies it to
-- pg_triage--<version>.sql. Sections follow the data flow; each object has its COMMENT.

\echo Use "CREATE EXTENSION pg_triage" to load this file. \quit

-- ---------------------------------------------------------------------------------------------
-- Roles: triage_reader reads, triage_operator builds. Roles belong to the cluster, so they may exist
-- already, and they stay when the extension goes. (Names that begin with pg_ are PostgreSQL's own.)
-- ---------------------------------------------------------------------------------------------
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'triage_reader') THEN
        CREATE ROLE triage_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'triage_operator') THEN
        CREATE ROLE triage_operator NOLOGIN;
        GRANT triage_reader TO triage_operator;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA triage TO PUBLIC;

-- ---------------------------------------------------------------------------------------------
-- Audit: append-only; every action of the extension leaves a row.
-- ---------------------------------------------------------------------------------------------
CREATE TABLE triage.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor name NOT NULL DEFAULT session_user,
    action text NOT NULL,
    object text,
    job_id bigint,
    details jsonb
);
COMMENT ON TABLE triage.audit_log IS 'append-only record of every action of pg_triage; holds no values of user data';

CREATE FUNCTION triage.audit_log_is_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'triage.audit_log is append-only'
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = 'Rows of the audit trail can be neither changed nor removed.';
END
$$;
COMMENT ON FUNCTION triage.audit_log_is_append_only() IS 'refuses to change or remove rows of the audit trail';
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON triage.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION triage.audit_log_is_append_only();
GRANT SELECT ON triage.audit_log TO triage_reader;
SELECT pg_catalog.pg_extension_config_dump('triage.audit_log', '');
SELECT pg_catalog.pg_extension_config_dump('triage.audit_log_id_seq', '');

-- ---------------------------------------------------------------------------------------------
-- Data classes: what kind of medical data a relation holds, guessed from its name or said by the user.
-- ---------------------------------------------------------------------------------------------
CREATE TABLE triage.data_class_settings (
    relation regclass PRIMARY KEY,
    class text NOT NULL CHECK (class IN ('patient_data', 'clinical_data', 'vital_signs', 'ai_inference',
                                         'emergency_data', 'reference_data', 'audit_data', 'other')),
    set_by name NOT NULL DEFAULT session_user,
    set_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE triage.data_class_settings IS 'data classes said by a user; written by triage.set_data_class';
SELECT pg_catalog.pg_extension_config_dump('triage.data_class_settings',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relation)');

-- The words are those of OMOP CDM, FHIR servers, OpenMRS and plain clinical applications. The first rule
-- that matches wins, so the narrow ones come first.
CREATE FUNCTION triage.guess_data_class(relation_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT rule.class
           FROM (VALUES
                (1, 'audit_data', 'audit|auditing|auditevent|auditlog|accesslog|access_log|event_log|change_log|activity_log|login|logon|provenance|history_log|user_action'),
                (2, 'vital_signs', 'vital|vitals|vitalsign|vital_sign|heart_?rate|pulse|blood_pressure|spo2|oxygen_saturation|respiratory_rate|body_temperature|temperature_reading|telemetry|waveform|bedside_monitor|monitor_reading|early_warning_score|news_score'),
                (3, 'ai_inference', 'ai|ml|inference|prediction|model_(output|result|score|run)|risk_score|risk_?assessment|embedding|note_nlp|nlp|decision_support|detected_?issue|llm'),
                (4, 'patient_data', 'emergency_contact|next_of_kin'),
                (5, 'emergency_data', 'emergency|er|ed_(visit|triage|stay|arrival)|triage|trauma|ambulance|code_blue|resuscitation|rapid_response|stroke_alert|sepsis_alert|critical_alert'),
                (6, 'reference_data', 'concept|vocabulary|domain|relationship|synonym|ancestor|code_?system|value_?set|structure_?definition|icd|icd9|icd10|icd11|snomed|loinc|rxnorm|atc|cpt|drg|formulary|drug_strength|catalog|catalogue|dictionary|lookup|ref|reference|location|ward|department|care_?site|facility|bed|provider|practitioner|practitioner_?role|physician|doctor|nurse|staff|organi[sz]ation|specialty|term|translation'),
                (7, 'clinical_data', 'clinical|encounter|visit|admission|discharge|episode|episode_?of_?care|stay|icustay|transfer|diagnosis|diagnose|diagnostic|diagnostic_?report|condition|problem|procedure|surgery|operation|lab|labs|laboratory|specimen|result|test_result|measurement|observation|obs|medication|medication_?(request|statement|dispense|administration)|prescription|pharmacy|drug|drug_exposure|dose|infusion|order|orders|service_?request|referral|note|document|document_?reference|imaging|imaging_?study|radiology|dicom|allergy|allergie|allergy_?intolerance|immuni[sz]ation|vaccination|care_?plan|care_?team|goal|appointment|schedule|chart|chartevent|labevent|inputevent|outputevent|device_exposure|cohort|questionnaire_?response|hfj_(resource|res_ver|spidx_[a-z]+)'),
                (8, 'patient_data', 'patient|person|mrn|demographic|patient_identifier|insurance|coverage|payer_plan_period|related_?person|death|guardian|consent|household')
                ) AS rule(place, class, words)
          -- Words are parts between underscores (camelCase counts as such), in singular or plural.
          WHERE '_' || lower(regexp_replace(relation_name, '([a-z0-9])([A-Z])', '\1_\2', 'g')) || '_'
                ~ ('_(' || rule.words || ')(s|es)?_')
          ORDER BY rule.place LIMIT 1),
        'other')
$$;
COMMENT ON FUNCTION triage.guess_data_class(text) IS 'the data class that a relation''s name suggests; other if none';

CREATE FUNCTION triage.data_class_of(relation oid) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    -- An index or a TOAST table is of its table's class; a partition of its nearest ancestor's for which
    -- a user said something, else of what the topmost one's name suggests.
    WITH RECURSIVE owner AS (
        SELECT CASE c.relkind
                   WHEN 'i' THEN (SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = c.oid)
                   WHEN 'I' THEN (SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = c.oid)
                   WHEN 't' THEN substring(c.relname FROM '^pg_toast_(\d+)$')::oid
                   ELSE c.oid
               END AS oid
          FROM pg_class c WHERE c.oid = relation
    ), line AS (
        SELECT owner.oid, 0 AS distance FROM owner
        UNION ALL
        SELECT i.inhparent, line.distance + 1
          FROM line JOIN pg_inherits i ON i.inhrelid = line.oid
          JOIN pg_class child ON child.oid = line.oid AND child.relispartition
    )
    SELECT coalesce(
        (SELECT s.class FROM line JOIN triage.data_class_settings s ON s.relation = line.oid
          ORDER BY line.distance LIMIT 1),
        (SELECT CASE WHEN n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'triage') THEN 'other'
                     ELSE triage.guess_data_class(c.relname) END
           FROM line JOIN pg_class c ON c.oid = line.oid JOIN pg_namespace n ON n.oid = c.relnamespace
          ORDER BY line.distance DESC LIMIT 1))
$$;
COMMENT ON FUNCTION triage.data_class_of(oid) IS 'data class of a relation: what a user said, else a guess from its name; null if there is no such relation';

CREATE FUNCTION triage.workflow_of(data_class text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE data_class
               WHEN 'patient_data' THEN 'patient_lookup'
               WHEN 'clinical_data' THEN 'clinical_data_analysis'
               WHEN 'vital_signs' THEN 'vital_signs_monitoring'
               WHEN 'ai_inference' THEN 'ai_assisted_diagnosis'
               WHEN 'emergency_data' THEN 'emergency_response'
               WHEN 'reference_data' THEN 'reference_lookup'
               WHEN 'audit_data' THEN 'audit'
               WHEN 'other' THEN 'other'
           END
$$;
COMMENT ON FUNCTION triage.workflow_of(text) IS 'medical workflow that data of this class serves';

-- SECURITY DEFINER, so that operators leave a row in the audit trail without being able to write there.
CREATE FUNCTION triage.set_data_class(relation regclass, class text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    previous text := triage.data_class_of(set_data_class.relation);
    kind "char";
BEGIN
    SELECT c.relkind INTO kind FROM pg_class c WHERE c.oid = set_data_class.relation;
    IF set_data_class.relation IS NULL THEN
        RAISE EXCEPTION 'relation must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF kind IS NULL THEN
        RAISE EXCEPTION 'relation with OID % does not exist', set_data_class.relation::oid
            USING ERRCODE = 'undefined_table';
    END IF;
    IF kind NOT IN ('r', 'p', 'm', 'f', 'v') THEN
        RAISE EXCEPTION '"%" is not a table or view', set_data_class.relation
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'An index is of the data class of its table.';
    END IF;
    IF set_data_class.class IS NULL THEN -- back to the guess
        DELETE FROM triage.data_class_settings s WHERE s.relation = set_data_class.relation;
    ELSIF triage.workflow_of(set_data_class.class) IS NULL THEN
        RAISE EXCEPTION 'unknown data class "%"', set_data_class.class
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Data classes are patient_data, clinical_data, vital_signs, ai_inference, '
                         'emergency_data, reference_data, audit_data and other.';
    ELSE
        INSERT INTO triage.data_class_settings AS s (relation, class)
        VALUES (set_data_class.relation, set_data_class.class)
        ON CONFLICT ON CONSTRAINT data_class_settings_pkey
        DO UPDATE SET class = excluded.class, set_by = session_user, set_at = now();
    END IF;
    INSERT INTO triage.audit_log (action, object, details)
    VALUES ('set_data_class', set_data_class.relation::text,
            jsonb_build_object('before', previous, 'after', triage.data_class_of(set_data_class.relation)));
END
$$;
COMMENT ON FUNCTION triage.set_data_class(regclass, text) IS 'says what kind of medical data a relation (with its partitions) holds; null returns to the guess';

CREATE VIEW triage.data_classes AS
SELECT c.oid::regclass AS relation,
       triage.data_class_of(c.oid) AS class,
       CASE WHEN s.relation IS NULL THEN 'guessed' ELSE 'user' END AS source,
       triage.workflow_of(triage.data_class_of(c.oid)) AS workflow,
       s.set_by,
       s.set_at
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN triage.data_class_settings s ON s.relation = c.oid
 WHERE c.relkind IN ('r', 'p', 'm', 'f')
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'triage');
COMMENT ON VIEW triage.data_classes IS 'every user relation with its data class, and whether that was guessed or said by a user';
GRANT SELECT ON triage.data_class_settings, triage.data_classes TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.guess_data_class(text), triage.data_class_of(oid), triage.workflow_of(text) TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.set_data_class(regclass, text) TO triage_operator;

-- ---------------------------------------------------------------------------------------------
-- Statistics: what the sampler saw (hooks -> redact -> store).
-- ---------------------------------------------------------------------------------------------
CREATE FUNCTION triage.version() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT extversion FROM pg_extension WHERE extname = 'pg_triage'
$$;
COMMENT ON FUNCTION triage.version() IS 'version of the extension in this database';

CREATE FUNCTION triage.statement_statistics(
    OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT calls bigint, OUT sampled bigint,
    OUT generic_plans bigint, OUT rows bigint, OUT total_ms float8, OUT mean_ms float8,
    OUT p50_ms float8, OUT p95_ms float8, OUT p99_ms float8, OUT max_ms float8,
    OUT first_seen timestamptz, OUT last_seen timestamptz, OUT main_relation oid)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_statement_statistics';
COMMENT ON FUNCTION triage.statement_statistics() IS 'per user, database and statement: executions, latencies and rows; of other users'' statements only with pg_read_all_stats';

CREATE FUNCTION triage.scan_statistics(
    OUT userid oid, OUT queryid bigint, OUT relid oid, OUT executions bigint, OUT sequential bigint,
    OUT sorted bigint, OUT limited bigint, OUT estimated_rows float8, OUT actual_rows float8,
    OUT rows_removed float8, OUT attributes bigint[], OUT operators bigint[], OUT kinds text[],
    OUT operands text[], OUT estimates bigint[], OUT mean_selectivity float8[],
    OUT worst_selectivity float8[], OUT withheld bigint[], OUT value_attributes bigint[],
    OUT shared_values text[], OUT value_executions bigint[])
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_scan_statistics';
COMMENT ON FUNCTION triage.scan_statistics() IS 'per statement of this database and relation: the conditions of its scans, of sampled executions; arrays with an element a condition, or a value that enough rows share';

CREATE FUNCTION triage.plan_statistics(
    OUT userid oid, OUT queryid bigint, OUT planid bigint, OUT executions bigint, OUT total_ms float8,
    OUT first_seen timestamptz, OUT last_seen timestamptz, OUT plan text)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_plan_statistics';
COMMENT ON FUNCTION triage.plan_statistics() IS 'per statement of this database and plan: executions and time';

CREATE FUNCTION triage.plan_comparisons(
    OUT userid oid, OUT queryid bigint, OUT changed_at timestamptz, OUT is_current boolean,
    OUT effect text, OUT severity text, OUT executions_before bigint, OUT executions_after bigint,
    OUT mean_before_ms float8, OUT mean_after_ms float8, OUT p95_before_ms float8,
    OUT p95_after_ms float8, OUT times_taken_up bigint, OUT planid_before bigint,
    OUT planid_after bigint, OUT plan_before text, OUT plan_after text)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_plan_comparisons';
COMMENT ON FUNCTION triage.plan_comparisons() IS 'per statement of this database and plan that took over from another: both with their times';

CREATE FUNCTION triage.application_patterns(
    OUT userid oid, OUT queryid bigint, OUT pattern text, OUT main_relation oid, OUT calls bigint,
    OUT total_ms float8, OUT executions bigint, OUT figure float8, OUT unit text, OUT evidence text,
    OUT advice text)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_application_patterns';
COMMENT ON FUNCTION triage.application_patterns() IS 'per statement of this database that clients send in a way that wastes time: which way, and by what figures';

CREATE FUNCTION triage.dump_store() RETURNS bytea
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_triage_dump_store';
COMMENT ON FUNCTION triage.dump_store() IS 'the statistics in shared memory as they are, byte by byte, for a superuser who wants to see for himself that nothing private is there';

CREATE FUNCTION triage.reset_store() RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_triage_reset_store';
COMMENT ON FUNCTION triage.reset_store() IS 'empties the statistics in shared memory; triage.reset() also leaves a row in the audit trail';

-- SECURITY DEFINER: operators leave a row in the audit trail; a standby has none to write.
CREATE FUNCTION triage.reset() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM triage.reset_store();
    IF NOT pg_is_in_recovery() THEN
        INSERT INTO triage.audit_log (action) VALUES ('reset');
    END IF;
END
$$;
COMMENT ON FUNCTION triage.reset() IS 'forgets all statistics of the sampler, of every database';
GRANT EXECUTE ON FUNCTION triage.reset() TO triage_operator;

CREATE FUNCTION triage.without_literals(sql text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_without_literals';
COMMENT ON FUNCTION triage.without_literals(text) IS 'a statement on one line, without comments, every string and number in it a question mark';
GRANT EXECUTE ON FUNCTION triage.without_literals(text) TO triage_reader;

CREATE VIEW triage.statements AS
SELECT s.userid,
       s.dbid,
       s.queryid,
       -- pg_stat_statements keeps comments, and texts as they were typed in some corners.
       triage.without_literals(p.query) AS query,
       s.calls,
       s.sampled,
       s.generic_plans,
       s.rows,
       s.total_ms,
       s.mean_ms,
       s.p50_ms,
       s.p95_ms,
       s.p99_ms,
       s.max_ms,
       p.shared_blks_hit,
       p.shared_blks_read,
       c.data_class,
       triage.workflow_of(c.data_class) AS workflow,
       s.main_relation::regclass AS main_relation,
       s.first_seen,
       s.last_seen
  FROM triage.statement_statistics() s
  -- pg_stat_statements has a row for the statement at top level and one for it in functions.
  LEFT JOIN (SELECT g.userid, g.dbid, g.queryid,
                    min(g.query) AS query,
                    sum(g.shared_blks_hit)::bigint AS shared_blks_hit,
                    sum(g.shared_blks_read)::bigint AS shared_blks_read
               FROM pg_stat_statements g
              GROUP BY g.userid, g.dbid, g.queryid) p USING (userid, dbid, queryid)
 CROSS JOIN LATERAL (SELECT triage.data_class_of(s.main_relation) AS data_class) c;
COMMENT ON VIEW triage.statements IS 'per user, database and statement: latencies, sampled executions, data class and workflow, with the normalised text of pg_stat_statements';

CREATE FUNCTION triage.joint_selectivity(attributes bigint[], kinds text[], selectivities float8[], estimates bigint[]) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    -- As the planner does: two ranges of one column enclose an interval, all else is independent.
    SELECT exp(sum(ln(greatest(c.selectivity, 1e-9))))
      FROM (SELECT CASE WHEN count(*) = 2 AND bool_and(u.kind = 'range') AND sum(u.selectivity) > 1 THEN sum(u.selectivity) - 1
                        ELSE exp(sum(ln(greatest(u.selectivity, 1e-9)))) END AS selectivity
              FROM unnest(attributes, kinds, selectivities, estimates) AS u(attribute, kind, selectivity, n)
             WHERE u.n > 0
             GROUP BY u.attribute) c
$$;
COMMENT ON FUNCTION triage.joint_selectivity(bigint[], text[], float8[], bigint[]) IS 'share of the rows that satisfies all conditions of a scan, from the share of each';
GRANT EXECUTE ON FUNCTION triage.joint_selectivity(bigint[], text[], float8[], bigint[]) TO triage_reader;

CREATE VIEW triage.access_patterns AS
SELECT s.relid::regclass AS relation,
       c.columns,
       s.kinds AS operators,
       s.operands AS constants,
       sum(s.executions)::bigint AS executions,
       count(DISTINCT s.queryid)::int AS statements,
       sum(s.sequential)::bigint AS sequential,
       sum(s.sorted)::bigint AS sorted,
       sum(s.limited)::bigint AS limited,
       sum(s.estimated_rows * s.executions) / nullif(sum(s.executions), 0) AS estimated_rows,
       sum(s.actual_rows * s.executions) / nullif(sum(s.executions), 0) AS actual_rows,
       sum(s.rows_removed * s.executions) / nullif(sum(s.executions), 0) AS rows_removed,
       sum(c.mean_selectivity * s.executions) / nullif(sum(s.executions) FILTER (WHERE c.mean_selectivity IS NOT NULL), 0) AS mean_selectivity,
       max(c.worst_selectivity) AS worst_selectivity,
       (SELECT array_agg(DISTINCT v ORDER BY v)
          FROM unnest(array_agg(c.shared_values)) AS v WHERE v <> '') AS shared_values,
       sum(c.withheld)::bigint AS withheld
  FROM triage.scan_statistics() s
 CROSS JOIN LATERAL (
       SELECT coalesce((SELECT array_agg(coalesce(a.attname, '?') ORDER BY u.n)
                 FROM unnest(s.attributes) WITH ORDINALITY AS u(attribute, n)
                 LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = s.relid AND a.attnum = u.attribute), '{}') AS columns,
              triage.joint_selectivity(s.attributes, s.kinds, s.mean_selectivity, s.estimates) AS mean_selectivity,
              triage.joint_selectivity(s.attributes, s.kinds, s.worst_selectivity, s.estimates) AS worst_selectivity,
              (SELECT string_agg(a.attname || ' ' || v.value, ', ' ORDER BY v.n)
                 FROM unnest(s.value_attributes, s.shared_values) WITH ORDINALITY AS v(attribute, value, n)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = s.relid AND a.attnum = v.attribute) AS shared_values,
              (SELECT sum(w) FROM unnest(s.withheld) AS w) AS withheld) c
 GROUP BY s.relid, c.columns, s.kinds, s.operands;
COMMENT ON VIEW triage.access_patterns IS 'per relation of this database, set of columns, kinds of operators and of constants: how its sampled scans went; values only where at least pg_triage.min_shared_rows rows share them';
COMMENT ON COLUMN triage.access_patterns.withheld IS 'executions whose value the privacy rule kept back';

CREATE VIEW triage.plans AS
SELECT p.userid,
       p.queryid,
       p.planid,
       p.executions,
       p.total_ms / nullif(p.executions, 0) AS mean_ms,
       p.total_ms,
       p.first_seen,
       p.last_seen,
       p.plan
  FROM triage.plan_statistics() p;
COMMENT ON VIEW triage.plans IS 'per statement of this database and plan: executions, mean time, the plan''s shape without costs and constants';

CREATE VIEW triage.plan_changes AS
SELECT c.userid,
       c.queryid,
       triage.without_literals(p.query) AS query,
       c.changed_at,
       c.is_current,
       c.effect,
       c.severity,
       c.mean_after_ms / nullif(c.mean_before_ms, 0) AS factor,
       c.mean_before_ms,
       c.mean_after_ms,
       c.p95_before_ms,
       c.p95_after_ms,
       c.executions_before,
       c.executions_after,
       c.times_taken_up,
       c.planid_before,
       c.planid_after,
       c.plan_before,
       c.plan_after
  FROM triage.plan_comparisons() c
  LEFT JOIN (SELECT g.userid, g.queryid, min(g.query) AS query
               FROM pg_stat_statements g
              WHERE g.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
              GROUP BY g.userid, g.queryid) p USING (userid, queryid);
COMMENT ON VIEW triage.plan_changes IS 'statements of this database whose plan gave way to another one, with both plans and their times; plans in use side by side are no change';
COMMENT ON COLUMN triage.plan_changes.effect IS 'slower, faster, as fast, or too early to tell';
COMMENT ON COLUMN triage.plan_changes.severity IS 'of a slower plan: critical, high, medium or low';
COMMENT ON COLUMN triage.plan_changes.is_current IS 'the new plan is still the one in use';
COMMENT ON COLUMN triage.plan_changes.factor IS 'mean time with the new plan by mean time with the old one';
COMMENT ON COLUMN triage.plan_changes.times_taken_up IS 'how often the new plan took over';

CREATE VIEW triage.application_advice AS
SELECT a.pattern,
       a.userid,
       a.queryid,
       triage.without_literals(p.query) AS query,
       a.main_relation::regclass AS main_relation,
       a.calls,
       a.total_ms,
       a.executions,
       a.figure,
       a.unit,
       a.evidence,
       a.advice
  FROM triage.application_patterns() a
  LEFT JOIN (SELECT g.userid, g.queryid, min(g.query) AS query
               FROM pg_stat_statements g
              WHERE g.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
              GROUP BY g.userid, g.queryid) p USING (userid, queryid);
COMMENT ON VIEW triage.application_advice IS 'statements of this database that clients send in a way that wastes time, with the evidence and what to do';
COMMENT ON COLUMN triage.application_advice.pattern IS 'n_plus_one, row_by_row, polling, unpaginated_list, deep_offset or wide_rows';
COMMENT ON COLUMN triage.application_advice.executions IS 'that show the pattern; of the last three patterns sampled ones';
COMMENT ON COLUMN triage.application_advice.figure IS 'the figure that decided, in unit';

CREATE FUNCTION triage.sampler_checks(OUT "check" text, OUT ok bool, OUT detail text, OUT hint text)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_triage_sampler_checks';
COMMENT ON FUNCTION triage.sampler_checks() IS 'the checks of triage.self_check() that look into the sampler and its memory';

-- SECURITY DEFINER, as it says of each table whether it has statistics, which are not for everybody's eyes.
CREATE FUNCTION triage.self_check(OUT "check" text, OUT ok bool, OUT detail text, OUT hint text)
RETURNS SETOF record
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM triage.sampler_checks()
    UNION ALL
    SELECT 'tables are analyzed', count(*) = 0,
           CASE count(*) WHEN 0 THEN 'all' ELSE count(*) || ' never: ' || string_agg(c.oid::regclass::text, ', ' ORDER BY c.relpages DESC) FILTER (WHERE c.place <= 5) END,
           CASE WHEN count(*) > 0 THEN 'Run ANALYZE: without statistics there are no selectivities, and no values that may be kept.' END
      FROM (SELECT r.oid, r.relpages, row_number() OVER (ORDER BY r.relpages DESC) AS place
              FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
             WHERE r.relkind IN ('r', 'm', 'p') AND r.relpersistence <> 't'
               AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'triage')
               AND (r.relkind = 'p' OR pg_relation_size(r.oid) > 0)
               AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = r.oid)) c
    UNION ALL
    SELECT 'role of the server', true,
           CASE WHEN pg_is_in_recovery() THEN 'standby: statistics are kept in memory and in the file, nothing is written to tables'
                ELSE 'primary' END, NULL
$$;
COMMENT ON FUNCTION triage.self_check() IS 'what is missing or badly set, and how to mend it: one row a check';
GRANT EXECUTE ON FUNCTION triage.sampler_checks(), triage.self_check() TO triage_reader;

GRANT SELECT ON triage.statements, triage.access_patterns, triage.plans, triage.plan_changes, triage.application_advice TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.statement_statistics(), triage.scan_statistics(), triage.plan_statistics(), triage.plan_comparisons(),
    triage.application_patterns() TO triage_reader;

-- ---------------------------------------------------------------------------------------------
-- Activity: what sessions do, from looks at all of them every pg_triage.activity_interval.
-- ---------------------------------------------------------------------------------------------
CREATE FUNCTION triage.activity_minutes(
    OUT at timestamptz, OUT dbid oid, OUT userid oid, OUT application text, OUT state text, OUT wait_class text,
    OUT looks bigint, OUT sessions float8, OUT peak bigint, OUT transaction_age_ms float8, OUT oldest_transaction_ms float8)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_activity_minutes';
COMMENT ON FUNCTION triage.activity_minutes() IS 'what triage.activity shows, with OIDs; other users'' sessions only with pg_read_all_stats';

CREATE FUNCTION triage.activity_hours(
    OUT hour_of_week bigint, OUT dbid oid, OUT userid oid, OUT application text, OUT state text, OUT wait_class text,
    OUT sessions float8, OUT peak float8, OUT weeks float8)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_activity_hours';
COMMENT ON FUNCTION triage.activity_hours() IS 'what triage.activity_by_hour shows, with OIDs; other users'' sessions only with pg_read_all_stats';

CREATE VIEW triage.activity AS
SELECT m.at AS minute,
       d.datname AS database,
       pg_catalog.pg_get_userbyid(m.userid) AS username,
       m.application,
       m.state,
       m.wait_class,
       m.sessions,
       m.peak,
       m.looks,
       m.transaction_age_ms,
       m.oldest_transaction_ms
  FROM triage.activity_minutes() m
  JOIN pg_catalog.pg_database d ON d.oid = m.dbid;
COMMENT ON VIEW triage.activity IS 'sampled concurrency of the last 60 minutes in which there were sessions: database, user, application, state and class of wait';
COMMENT ON COLUMN triage.activity.application IS 'null where fewer than pg_triage.min_shared_rows sessions had the name, unless it is that of a well-known driver or tool';
COMMENT ON COLUMN triage.activity.wait_class IS 'as pg_stat_activity has it; WAL: writes and flushes of the log, which are IO there; none: on the processor, or waiting for one';
COMMENT ON COLUMN triage.activity.sessions IS 'mean number of such sessions at a time';
COMMENT ON COLUMN triage.activity.peak IS 'most of such sessions at a time';
COMMENT ON COLUMN triage.activity.looks IS 'how often the minute was looked at';
COMMENT ON COLUMN triage.activity.transaction_age_ms IS 'mean age of their transactions; 0 for a session outside of one';

CREATE VIEW triage.activity_by_hour AS
SELECT h.hour_of_week::int AS hour_of_week,
       d.datname AS database,
       pg_catalog.pg_get_userbyid(h.userid) AS username,
       h.application,
       h.state,
       h.wait_class,
       h.sessions,
       h.peak,
       h.weeks
  FROM triage.activity_hours() h
  JOIN pg_catalog.pg_database d ON d.oid = h.dbid;
COMMENT ON VIEW triage.activity_by_hour IS 'mean and peak of sampled concurrency by hour of the week, of the last weeks; kept across restarts';
COMMENT ON COLUMN triage.activity_by_hour.hour_of_week IS '0 is Monday, 00:00 to 00:59, in the time zone of the server''s log';
COMMENT ON COLUMN triage.activity_by_hour.sessions IS 'mean number of such sessions at a time; the last weeks weigh more';
COMMENT ON COLUMN triage.activity_by_hour.peak IS 'most of such sessions at a time; wears down in weeks that reach less';
COMMENT ON COLUMN triage.activity_by_hour.weeks IS 'how many such hours were observed';
GRANT EXECUTE ON FUNCTION triage.activity_minutes(), triage.activity_hours() TO triage_reader;
GRANT SELECT ON triage.activity, triage.activity_by_hour TO triage_reader;

-- ---------------------------------------------------------------------------------------------
-- What-if: hypothetical indexes, priced by the planner. Reads only; needs no sampling.
-- ---------------------------------------------------------------------------------------------
CREATE FUNCTION triage.what_if(
    query text, indexes text[], plan_mode text DEFAULT 'auto',
    OUT mode text, OUT cost_before float8, OUT cost_after float8, OUT indexes_used text[], OUT plan text)
RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'triage_what_if';
COMMENT ON FUNCTION triage.what_if(text, text[], text) IS 'what a query would cost if these indexes (CREATE INDEX texts) existed, which of them it would use, and its plan; with parameters, once for typical values (custom) and once for none (generic)';
GRANT EXECUTE ON FUNCTION triage.what_if(text, text[], text) TO triage_reader;

CREATE FUNCTION triage.what_if_costs(
    query text, indexes text[], sets int[] DEFAULT NULL, plan_mode text DEFAULT 'custom',
    OUT set_number int, OUT cost float8, OUT indexes_used int[])
RETURNS SETOF record
LANGUAGE c AS 'MODULE_PATHNAME', 'triage_what_if_costs';
COMMENT ON FUNCTION triage.what_if_costs(text, text[], int[], text) IS 'what a query would cost with each of several sets of indexes: without a plan''s text, and much faster than one what_if a set; a set is a row of places in indexes, from 1, filled up with nulls';
GRANT EXECUTE ON FUNCTION triage.what_if_costs(text, text[], int[], text) TO triage_reader;

CREATE FUNCTION triage.estimate_index_size(
    ddl text, OUT bytes bigint, OUT pages bigint, OUT tuples bigint, OUT tree_height int)
LANGUAGE c AS 'MODULE_PATHNAME', 'triage_estimate_index_size';
COMMENT ON FUNCTION triage.estimate_index_size(text) IS 'how large the index of a CREATE INDEX text will be once it is built';
GRANT EXECUTE ON FUNCTION triage.estimate_index_size(text) TO triage_reader;

CREATE FUNCTION triage.assert_uses_index(query text, min_rows bigint DEFAULT 10000) RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'triage_assert_uses_index';
COMMENT ON FUNCTION triage.assert_uses_index(text, bigint) IS 'for migrations and CI: raises if the plan reads a table of more than min_rows rows without an index';
GRANT EXECUTE ON FUNCTION triage.assert_uses_index(text, bigint) TO triage_reader;

-- ---------------------------------------------------------------------------------------------
-- Recommendations (workload -> candidates -> what-if -> select -> recommend).
-- ---------------------------------------------------------------------------------------------
CREATE TABLE triage.recommendations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status text NOT NULL DEFAULT 'open'
        CHECK (status IN ('open', 'queued', 'built', 'reverted', 'failed', 'dismissed', 'superseded')),
    fingerprint text NOT NULL UNIQUE,
    rank int NOT NULL,
    relation regclass NOT NULL,
    ddl text NOT NULL,
    kind text NOT NULL,
    size_bytes bigint NOT NULL,
    cost_before float8 NOT NULL,
    cost_after float8 NOT NULL,
    improvement float8 NOT NULL,
    write_cost float8 NOT NULL,
    queries int NOT NULL,
    top_queryid bigint,
    queryids bigint[] NOT NULL DEFAULT '{}',
    generic_plan_ok bool NOT NULL,
    reason text NOT NULL,
    details jsonb,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE triage.recommendations IS 'what triage.refresh_recommendations found, and what became of it';
COMMENT ON COLUMN triage.recommendations.fingerprint IS 'the definition without the index''s name: the same recommendation found again keeps its id and its status';
COMMENT ON COLUMN triage.recommendations.queryids IS 'statements that would use the index, most saved first; verification watches them';
GRANT SELECT ON triage.recommendations TO triage_reader;
SELECT pg_catalog.pg_extension_config_dump('triage.recommendations', '');
SELECT pg_catalog.pg_extension_config_dump('triage.recommendations_id_seq', '');

CREATE FUNCTION triage.recommend_indexes(
    queries text[] DEFAULT NULL,
    budget_bytes bigint DEFAULT NULL,
    max_indexes int DEFAULT NULL,
    min_improvement float8 DEFAULT NULL,
    relations regclass[] DEFAULT NULL
) RETURNS TABLE (
    rank int, relation regclass, ddl text, kind text, size_bytes bigint, cost_before float8,
    cost_after float8, improvement float8, write_cost float8, queries int, top_queryid bigint,
    generic_plan_ok bool, reason text, details jsonb
)
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'triage_recommend_indexes';
COMMENT ON FUNCTION triage.recommend_indexes(text[], bigint, int, float8, regclass[]) IS
    'indexes worth building for the observed workload (or for the given queries), best first; reads only, all figures are estimates';

CREATE FUNCTION triage.refresh_recommendations(
    queries text[] DEFAULT NULL,
    budget_bytes bigint DEFAULT NULL,
    max_indexes int DEFAULT NULL,
    min_improvement float8 DEFAULT NULL,
    relations regclass[] DEFAULT NULL
) RETURNS TABLE (
    id bigint, status text,
    rank int, relation regclass, ddl text, kind text, size_bytes bigint, cost_before float8,
    cost_after float8, improvement float8, write_cost float8, queries int, top_queryid bigint,
    generic_plan_ok bool, reason text, details jsonb
)
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'triage_refresh_recommendations';
COMMENT ON FUNCTION triage.refresh_recommendations(text[], bigint, int, float8, regclass[]) IS
    'as triage.recommend_indexes, and keeps what it found in triage.recommendations';
GRANT EXECUTE ON FUNCTION triage.recommend_indexes(text[], bigint, int, float8, regclass[]) TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.refresh_recommendations(text[], bigint, int, float8, regclass[]) TO triage_operator;

-- ---------------------------------------------------------------------------------------------
-- Jobs (job -> build -> verify).
-- ---------------------------------------------------------------------------------------------
CREATE TABLE triage.job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('create', 'drop')),
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'verifying', 'kept', 'reverted', 'failed', 'cancelled')),
    phase text,
    ddl text NOT NULL,
    fingerprint text NOT NULL,
    relation oid NOT NULL,
    index_schema name NOT NULL,
    index_name name NOT NULL,
    index_oid oid,
    definition text,
    by_owner boolean NOT NULL,
    name_given boolean NOT NULL DEFAULT false,
    size_bytes bigint,
    built_bytes bigint,
    recommendation_id bigint,
    undoes bigint REFERENCES triage.job,
    queryids bigint[] NOT NULL DEFAULT '{}',
    attempts int NOT NULL DEFAULT 0,
    lock_attempts int NOT NULL DEFAULT 0,
    build_attempts int NOT NULL DEFAULT 0,
    crashes int NOT NULL DEFAULT 0,
    parts_done int,
    parts_all int,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    cancel_requested boolean NOT NULL DEFAULT false,
    after_cleanup text,
    worker_pid int,
    sqlstate text,
    error text,
    decision text,
    reason text,
    before_mean_ms float8,
    after_mean_ms float8,
    before_p95_ms float8,
    after_p95_ms float8,
    improvement float8,
    executions bigint,
    idx_scan bigint,
    requested_by name NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    built_at timestamptz,
    finished_at timestamptz
);
COMMENT ON TABLE triage.job IS 'queue and history of index builds and drops; written by the functions below and by the worker, read through triage.jobs';
COMMENT ON COLUMN triage.job.fingerprint IS 'what is to be built or dropped, without the index''s name: a request for the same gets the same job';
COMMENT ON COLUMN triage.job.size_bytes IS 'as predicted before the build';
COMMENT ON COLUMN triage.job.built_bytes IS 'of the index when its build had just ended; of all partitions';
COMMENT ON COLUMN triage.job.definition IS 'of a drop: how to make the index again';
COMMENT ON COLUMN triage.job.by_owner IS 'asked for by somebody who may act as the table''s owner, so functions in the index need no further trust';
COMMENT ON COLUMN triage.job.name_given IS 'the requester chose the index''s name, so no other may be taken';
COMMENT ON COLUMN triage.job.after_cleanup IS 'while the worker removes what a failed attempt left: the status that follows';
COMMENT ON COLUMN triage.job.error IS 'never quotes values of rows';
CREATE UNIQUE INDEX job_unfinished ON triage.job (relation, kind, fingerprint)
    WHERE status IN ('queued', 'running', 'verifying');
CREATE INDEX job_active ON triage.job (id) WHERE status IN ('queued', 'running', 'verifying');

CREATE TABLE triage.job_parts (
    job_id bigint NOT NULL REFERENCES triage.job ON DELETE CASCADE,
    relation oid NOT NULL,
    index_schema name NOT NULL,
    index_name name NOT NULL,
    PRIMARY KEY (job_id, relation)
);
COMMENT ON TABLE triage.job_parts IS 'indexes that a build made on the leaves of a partitioned table; noted before each is built, so that none is left behind';

CREATE TABLE triage.job_statements (
    job_id bigint NOT NULL REFERENCES triage.job ON DELETE CASCADE,
    queryid bigint NOT NULL,
    before_counts bigint[] NOT NULL,
    before_ms float8 NOT NULL,
    built_counts bigint[],
    built_ms float8,
    after_counts bigint[],
    after_ms float8,
    PRIMARY KEY (job_id, queryid)
);
-- Rows name relations by OID and mean nothing in another cluster; the audit trail, which is dumped, names
-- jobs by id, so no id may come twice.
SELECT pg_catalog.pg_extension_config_dump('triage.job_id_seq', '');
COMMENT ON TABLE triage.job_statements IS 'latency histograms of the statements that an index is for: before, at the end of the build (cumulative), and after';
COMMENT ON COLUMN triage.job_statements.before_counts IS 'executions by latency bucket; the array''s lower bound is the first bucket that is not empty';

-- Progress views hide other roles' commands; how far a build is may be known to every reader.
CREATE FUNCTION triage.build_progress(OUT pid int, OUT phase text, OUT progress float8) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.pid,
           p.phase || coalesce(' (process ' || nullif(p.current_locker_pid, 0) || ')', ''),
           CASE
               WHEN p.phase LIKE 'building index: scanning%' THEN 0.60 * part.blocks
               WHEN p.phase LIKE 'building index: sorting%' THEN 0.60
               WHEN p.phase LIKE 'building index: loading%' THEN 0.65 + 0.10 * part.tuples
               WHEN p.phase LIKE 'building index%' THEN 0.75 * greatest(part.blocks, part.tuples)
               WHEN p.phase = 'waiting for writers before validation' THEN 0.75
               WHEN p.phase = 'index validation: scanning index' THEN 0.75 + 0.10 * part.blocks
               WHEN p.phase = 'index validation: sorting tuples' THEN 0.85
               WHEN p.phase = 'index validation: scanning table' THEN 0.85 + 0.13 * part.blocks
               WHEN p.phase = 'waiting for old snapshots' THEN 0.98
               WHEN p.phase LIKE 'waiting for readers%' THEN 0.99
               ELSE 0
           END
      FROM pg_stat_progress_create_index p,
           LATERAL (SELECT coalesce(p.blocks_done::float8 / nullif(p.blocks_total, 0), 0) AS blocks,
                           coalesce(p.tuples_done::float8 / nullif(p.tuples_total, 0), 0) AS tuples) part
     WHERE p.datid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;
COMMENT ON FUNCTION triage.build_progress() IS 'phase and progress (0..1) of the index builds that run in this database';

CREATE VIEW triage.jobs AS
SELECT j.id,
       j.kind,
       j.ddl,
       j.status,
       CASE WHEN j.status = 'running' AND j.phase = 'building'
            THEN coalesce(p.phase, j.phase) || coalesce(format(', partition %s of %s', j.parts_done + 1, j.parts_all), '')
            WHEN j.status IN ('queued', 'running', 'verifying') THEN j.phase END AS phase,
       CASE WHEN j.status IN ('kept', 'reverted', 'verifying') THEN 1.0
            WHEN j.status = 'running'
            THEN (coalesce(j.parts_done, 0) + coalesce(p.progress, 0)) / coalesce(j.parts_all, 1)
            ELSE 0 END::float8 AS progress,
       j.attempts,
       j.error,
       j.sqlstate,
       j.reason AS verdict,
       j.relation::regclass AS relation,
       j.index_schema,
       j.index_name,
       coalesce((SELECT sum(pg_catalog.pg_relation_size(t.relid))::bigint FROM pg_catalog.pg_partition_tree(i.oid) t),
                pg_catalog.pg_relation_size(i.oid), j.size_bytes) AS size_bytes,
       j.before_mean_ms AS before_ms,
       j.after_mean_ms AS after_ms,
       j.before_p95_ms,
       j.after_p95_ms,
       j.improvement,
       j.executions,
       j.idx_scan,
       j.recommendation_id,
       j.undoes,
       j.requested_by,
       j.queued_at,
       j.started_at,
       j.built_at,
       j.finished_at
  FROM triage.job j
  LEFT JOIN triage.build_progress() p ON p.pid = j.worker_pid
  LEFT JOIN pg_catalog.pg_class i ON i.oid = j.index_oid AND i.relkind IN ('i', 'I');
COMMENT ON VIEW triage.jobs IS 'index builds and drops: what was asked, how far it is, what came of it';
COMMENT ON COLUMN triage.jobs.phase IS 'what an unfinished job is doing or waiting for';
COMMENT ON COLUMN triage.jobs.verdict IS 'why the index was kept or reverted';
COMMENT ON COLUMN triage.jobs.before_ms IS 'mean time of the statements that the index is for; the slowest hundredth of each counts as its 99th percentile';
COMMENT ON COLUMN triage.jobs.improvement IS 'of the time of the statements that the index is for: 1 - after / before';
COMMENT ON COLUMN triage.jobs.executions IS 'of these statements since the index was built';
GRANT SELECT ON triage.jobs TO triage_reader;

CREATE VIEW triage.size_predictions AS
SELECT id AS job_id,
       relation::regclass AS relation,
       index_schema,
       index_name,
       size_bytes AS predicted_bytes,
       built_bytes,
       size_bytes::float8 / nullif(built_bytes, 0) - 1 AS error,
       built_at
  FROM triage.job
 WHERE kind = 'create' AND size_bytes > 0 AND built_bytes IS NOT NULL;
COMMENT ON VIEW triage.size_predictions IS 'how far the predicted sizes of built indexes were from the real ones';
COMMENT ON COLUMN triage.size_predictions.built_bytes IS 'when the build had just ended; the index may have grown since';
COMMENT ON COLUMN triage.size_predictions.error IS 'predicted / built - 1: 0.1 is a tenth too much';
GRANT SELECT ON triage.size_predictions TO triage_reader;

CREATE FUNCTION triage.create_index(recommendation_id bigint) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_create_index';
COMMENT ON FUNCTION triage.create_index(bigint) IS 'queues the concurrent build of a recommended index; it starts when the calling transaction commits; returns the job''s id';

CREATE FUNCTION triage.ensure_index(ddl text) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_ensure_index';
COMMENT ON FUNCTION triage.ensure_index(text) IS 'for migrations: queues the concurrent build of this index unless a valid one serves the same; returns the job''s id, or null if there is nothing to do';

CREATE FUNCTION triage.drop_index(index regclass) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_drop_index';
COMMENT ON FUNCTION triage.drop_index(regclass) IS 'queues the concurrent drop of an index and keeps its definition for triage.undo; returns the job''s id';

CREATE FUNCTION triage.undo(job_id bigint) RETURNS bigint
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_undo';
COMMENT ON FUNCTION triage.undo(bigint) IS 'takes a finished job back: drops what it created, creates what it dropped; returns the new job''s id';

CREATE FUNCTION triage.cancel_job(job_id bigint) RETURNS boolean
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_cancel_job';
COMMENT ON FUNCTION triage.cancel_job(bigint) IS 'cancels a queued or running job when the calling transaction commits, or ends the verification of a built index, which is kept; false if the job had finished already';

CREATE PROCEDURE triage.wait_for_job(job_id bigint, timeout interval DEFAULT '1 hour', verified boolean DEFAULT true)
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_wait_for_job';
COMMENT ON PROCEDURE triage.wait_for_job(bigint, interval, boolean) IS 'waits until the job is finished (with verified => false: until its index is built); raises if the job failed or was cancelled; commits between polls, so it cannot run in a transaction block';

CREATE FUNCTION triage.request_worker() RETURNS void
LANGUAGE c AS 'MODULE_PATHNAME', 'pg_triage_request_worker';
COMMENT ON FUNCTION triage.request_worker() IS 'has the background worker look for work in this database when the calling transaction commits';

GRANT EXECUTE ON FUNCTION triage.build_progress() TO triage_reader;
GRANT EXECUTE ON PROCEDURE triage.wait_for_job(bigint, interval, boolean) TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.create_index(bigint), triage.ensure_index(text), triage.drop_index(regclass),
    triage.undo(bigint), triage.cancel_job(bigint), triage.request_worker() TO triage_operator;
SELECT triage.request_worker();

CREATE FUNCTION triage.recommend_drops(
    unused_for interval DEFAULT '30 days'
) RETURNS TABLE (
    index regclass, relation regclass, kind text, size_bytes bigint, saved_bytes bigint, served_by regclass,
    scans bigint, counted_since timestamptz, ddl text, reason text
)
LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off
AS 'MODULE_PATHNAME', 'triage_recommend_drops';
COMMENT ON FUNCTION triage.recommend_drops(interval) IS
    'indexes that are invalid, duplicate, redundant beside a wider one, unused (if scans were counted for that long) or bloated, with what to do; never to drop one that belongs to a constraint, is a replica identity, clustered on or part of a partitioned index';
GRANT EXECUTE ON FUNCTION triage.recommend_drops(interval) TO triage_reader;

CREATE VIEW triage.unindexed_foreign_keys AS
SELECT k.conname AS foreign_key,
       k.conrelid::regclass AS relation,
       c.columns,
       k.confrelid::regclass AS referenced,
       pg_catalog.pg_stat_get_tuples_deleted(k.confrelid) AS referenced_rows_deleted,
       coalesce((SELECT sum(pg_catalog.pg_table_size(t.relid))::bigint FROM pg_catalog.pg_partition_tree(k.conrelid) t),
                pg_catalog.pg_table_size(k.conrelid)) AS table_bytes,
       pg_catalog.format('CREATE INDEX %sON %s (%s)', CASE r.relkind WHEN 'r' THEN 'CONCURRENTLY ' ELSE '' END,
                         pg_catalog.format('%I.%I', n.nspname, r.relname), c.list) AS ddl
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class r ON r.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
 CROSS JOIN LATERAL (
       SELECT pg_catalog.array_agg(a.attname ORDER BY u.place) AS columns,
              pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) AS list
         FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(attnum, place)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) c
 WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname <> 'triage'
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_index i
         JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
         JOIN pg_catalog.pg_am m ON m.oid = x.relam AND m.amname = 'btree'
        WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
          AND i.indnkeyatts >= pg_catalog.cardinality(k.conkey)
          AND (i.indkey::int2[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey);
COMMENT ON VIEW triage.unindexed_foreign_keys IS 'foreign keys whose columns no index begins with: deleting a row that they refer to, or changing its key, reads all of the table; triage.recommend_indexes weighs that for the statements that do, triage.ensure_index(ddl) builds the index';
COMMENT ON COLUMN triage.unindexed_foreign_keys.referenced_rows_deleted IS 'from the referenced table since its statistics began; of a partitioned one not known, so 0';
GRANT SELECT ON triage.unindexed_foreign_keys TO triage_reader;

-- ---------------------------------------------------------------------------------------------
-- Caches: what is in the buffer pool, what is hot, what another size would bring.
-- ---------------------------------------------------------------------------------------------
CREATE FUNCTION triage.hot_blocks(OUT relation regclass, OUT fork text, OUT first_block bigint, OUT last_block bigint,
                                  OUT usage_count bigint)
RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 10000
AS 'MODULE_PATHNAME', 'pg_triage_hot_blocks';
COMMENT ON FUNCTION triage.hot_blocks() IS 'ranges of blocks of this database that are in the buffer pool, with their usage count';

CREATE FUNCTION triage.resident_blocks(OUT relation regclass, OUT fork text, OUT blocks bigint, OUT dirty bigint,
                                       OUT usage_counts bigint[])
RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 1000
AS 'MODULE_PATHNAME', 'pg_triage_resident_blocks';
COMMENT ON FUNCTION triage.resident_blocks() IS 'blocks of this database in the buffer pool by relation and fork; usage_counts[1] counts those with usage count 0, and so on to 5';

CREATE FUNCTION triage.heat(hour_of_week int DEFAULT NULL, OUT relation regclass, OUT fork text, OUT extent bigint,
                            OUT blocks bigint, OUT hot bigint, OUT upper bigint, OUT heat float8)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10000
AS 'MODULE_PATHNAME', 'pg_triage_heat';
COMMENT ON FUNCTION triage.heat(int) IS 'how hot each extent of 64 blocks is, now or at an hour of the week (0 is Monday, 00:00); blocks, hot and upper are bit masks of its blocks (lowest bit first): worth having, busiest, above an index''s leaves';

CREATE FUNCTION triage.miss_ratio_curve(sizes bigint[] DEFAULT NULL, OUT shared_buffers bigint, OUT hit_rate float8,
                                        OUT error float8, OUT observed bool, OUT at_least bool, OUT observed_s float8,
                                        OUT watched_blocks bigint, OUT accesses_per_s float8, OUT lru_factor float8)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10
AS 'MODULE_PATHNAME', 'pg_triage_miss_ratio_curve';
COMMENT ON FUNCTION triage.miss_ratio_curve(bigint[]) IS 'hit rate that the buffer pool would have with other sizes (bytes), with the standard error of the sample; observed is false where it was not watched long enough to tell, at_least is true where the hit rate is then no lower than this';

CREATE FUNCTION triage.latency_histogram(OUT bucket bigint, OUT lower_ms float8, OUT upper_ms float8, OUT executions bigint)
RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 100
AS 'MODULE_PATHNAME', 'pg_triage_latency_histogram';
COMMENT ON FUNCTION triage.latency_histogram() IS 'executions of all statements of all databases by how long they took, since the statistics began; the difference of two readings tells of the time in between';

CREATE FUNCTION triage.pause_heat(seconds int) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_triage_pause_heat';
COMMENT ON FUNCTION triage.pause_heat(int) IS 'for that long, what comes into the buffer pool is not taken for heat; a warm-up calls it again and again';

CREATE VIEW triage.cache AS
SELECT r.relation,
       r.fork,
       triage.data_class_of(r.relation) AS data_class,
       r.blocks,
       r.dirty,
       r.usage_counts,
       CASE WHEN r.fork = 'main' THEN pg_catalog.pg_relation_size(r.relation) / current_setting('block_size')::bigint END AS relation_blocks,
       CASE WHEN r.fork = 'main' THEN pg_catalog.pg_stat_get_blocks_fetched(r.relation) END AS fetched,
       CASE WHEN r.fork = 'main' THEN pg_catalog.pg_stat_get_blocks_hit(r.relation) END AS hit,
       CASE WHEN r.fork = 'main' AND pg_catalog.pg_stat_get_blocks_fetched(r.relation) > 0
            THEN pg_catalog.pg_stat_get_blocks_hit(r.relation)::float8 / pg_catalog.pg_stat_get_blocks_fetched(r.relation)
       END AS hit_rate
  FROM triage.resident_blocks() r;
COMMENT ON VIEW triage.cache IS 'per relation and fork of this database: blocks in the buffer pool, their usage counts, hit rate since the statistics were reset, data class';
GRANT SELECT ON triage.cache TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.hot_blocks(), triage.resident_blocks(), triage.heat(int), triage.miss_ratio_curve(bigint[]), triage.latency_histogram() TO triage_reader;
GRANT EXECUTE ON FUNCTION triage.pause_heat(int) TO triage_operator;

-- ---------------------------------------------------------------------------------------------
-- Targets: what "fast enough" means, and whether it is met.
-- ---------------------------------------------------------------------------------------------
-- Unit and direction follow from what is measured, so that no row can contradict itself.
CREATE TABLE triage.targets (
    target text PRIMARY KEY,
    measure text NOT NULL CHECK (measure IN ('p50', 'p95', 'p99', 'throughput', 'cpu', 'memory', 'connections', 'hit_rate')),
    workflow text CHECK (workflow IS NULL OR measure IN ('p50', 'p95', 'p99')),
    limit_value float8 NOT NULL CHECK (limit_value > 0 AND limit_value < 'Infinity'),
    unit text NOT NULL GENERATED ALWAYS AS (
        CASE measure WHEN 'throughput' THEN 'requests/s'
                     WHEN 'cpu' THEN 'percent' WHEN 'memory' THEN 'percent'
                     WHEN 'connections' THEN 'percent' WHEN 'hit_rate' THEN 'percent'
                     ELSE 'ms' END) STORED,
    comparison text NOT NULL GENERATED ALWAYS AS (
        CASE measure WHEN 'throughput' THEN '>=' WHEN 'hit_rate' THEN '>' ELSE '<' END) STORED,
    severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
    description text NOT NULL DEFAULT '',
    changed_by name,
    changed_at timestamptz
);
COMMENT ON TABLE triage.targets IS 'what "fast enough" means; the rows are defaults that an operator may change, add to and remove';
COMMENT ON COLUMN triage.targets.workflow IS 'percentiles only: of this medical workflow''s statements; null for all statements';
COMMENT ON COLUMN triage.targets.comparison IS 'the target is met where the figure compares so with the limit';
COMMENT ON COLUMN triage.targets.severity IS 'how bad it is to miss the target: critical, high, medium or low';
COMMENT ON COLUMN triage.targets.changed_by IS 'null while the row is as it was installed';

INSERT INTO triage.targets (target, measure, workflow, limit_value, severity, description) VALUES
    ('p95', 'p95', NULL, 2000, 'high', '95 of 100 statements are faster'),
    ('p99', 'p99', NULL, 3000, 'medium', '99 of 100 statements are faster'),
    ('patient_lookup', 'p95', 'patient_lookup', 1000, 'high', 'finding a patient'),
    ('clinical_data', 'p95', 'clinical_data_analysis', 2000, 'high', 'reading clinical data'),
    ('vital_signs', 'p95', 'vital_signs_monitoring', 500, 'critical', 'reading and writing vital signs'),
    ('throughput', 'throughput', NULL, 500, 'medium', 'transactions a second at peak'),
    ('cpu', 'cpu', NULL, 70, 'high', 'processors in use'),
    ('memory', 'memory', NULL, 80, 'high', 'memory in use'),
    ('connections', 'connections', NULL, 80, 'critical', 'sessions, of those that ordinary users may open'),
    ('hit_rate', 'hit_rate', NULL, 85, 'medium', 'blocks found in shared buffers');

-- SECURITY DEFINER, so that operators leave a row in the audit trail without being able to write there.
-- An inserted row takes the place of one of the same name: that is how a dump brings changed defaults
-- back. It brings who changed them, too, and the audit trail has its own data in the dump.
CREATE FUNCTION triage.target_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        DELETE FROM triage.targets t WHERE t.target = NEW.target;
        IF NEW.changed_by IS NOT NULL AND (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = session_user) THEN
            RETURN NEW;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        NEW.changed_by := session_user;
        NEW.changed_at := now();
    ELSIF pg_trigger_depth() > 1 THEN -- by the insertion above, which leaves a row of its own
        RETURN OLD;
    END IF;
    INSERT INTO triage.audit_log (action, object, details)
    VALUES ('change_target', CASE WHEN TG_OP = 'DELETE' THEN OLD.target ELSE NEW.target END,
            jsonb_strip_nulls(jsonb_build_object(
                'operation', lower(TG_OP),
                'limit_before', CASE WHEN TG_OP <> 'INSERT' THEN OLD.limit_value END,
                'limit_after', CASE WHEN TG_OP <> 'DELETE' THEN NEW.limit_value END,
                'severity_before', CASE WHEN TG_OP <> 'INSERT' THEN OLD.severity END,
                'severity_after', CASE WHEN TG_OP <> 'DELETE' THEN NEW.severity END)));
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
COMMENT ON FUNCTION triage.target_changes() IS 'records who changed a target, also in the audit trail';
CREATE TRIGGER target_changes BEFORE INSERT OR UPDATE OR DELETE ON triage.targets
    FOR EACH ROW EXECUTE FUNCTION triage.target_changes();
COMMENT ON TRIGGER target_changes ON triage.targets IS 'every change leaves a row in the audit trail';
GRANT SELECT ON triage.targets TO triage_reader;
GRANT INSERT, UPDATE, DELETE ON triage.targets TO triage_operator;
SELECT pg_catalog.pg_extension_config_dump('triage.targets', 'WHERE changed_by IS NOT NULL');

CREATE FUNCTION triage.latency_buckets(OUT main_relation oid, OUT lower_ms float8, OUT upper_ms float8, OUT executions bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_triage_latency_buckets';
COMMENT ON FUNCTION triage.latency_buckets() IS 'latency histograms of this database''s statements, added up by the relation that a statement is about (null: none)';

-- Percentiles cannot be added; the histograms that they come from can. Statements about catalogs and
-- about pg_triage itself are nobody's work.
CREATE VIEW triage.workflow_latency AS
WITH latency AS MATERIALIZED (
    SELECT * FROM triage.latency_buckets()
), class AS MATERIALIZED (
    SELECT r.main_relation, triage.workflow_of(triage.data_class_of(r.main_relation)) AS workflow
      FROM (SELECT DISTINCT l.main_relation FROM latency l) r
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                        WHERE c.oid = r.main_relation
                          AND c.relnamespace::regnamespace::text IN ('pg_catalog', 'information_schema', 'pg_toast', 'triage'))
), bucket AS (
    SELECT c.workflow, grouping(c.workflow) = 1 AS everything, l.lower_ms,
           max(l.upper_ms) AS upper_ms, sum(l.executions)::float8 AS executions
      FROM latency l JOIN class c ON c.main_relation IS NOT DISTINCT FROM l.main_relation
     GROUP BY GROUPING SETS ((c.workflow, l.lower_ms), (l.lower_ms))
), cumulative AS (
    SELECT bucket.*,
           sum(executions) OVER through AS through,
           sum(executions) OVER (PARTITION BY everything, workflow) AS total
      FROM bucket
     WHERE everything OR workflow IS NOT NULL
    WINDOW through AS (PARTITION BY everything, workflow ORDER BY lower_ms)
), quantile AS (
    -- The bucket in which the rank p * total falls, and the place within it.
    SELECT c.workflow, c.total, p.p,
           c.lower_ms + (c.upper_ms - c.lower_ms) * (p.p * c.total - (c.through - c.executions)) / c.executions AS ms
      FROM cumulative c CROSS JOIN (VALUES (0.50), (0.95), (0.99)) AS p(p)
     WHERE c.executions > 0
       AND c.through - c.executions < p.p * c.total AND p.p * c.total <= c.through
)
SELECT workflow,
       total::bigint AS executions,
       max(ms) FILTER (WHERE p = 0.50) AS p50_ms,
       max(ms) FILTER (WHERE p = 0.95) AS p95_ms,
       max(ms) FILTER (WHERE p = 0.99) AS p99_ms
  FROM quantile
 GROUP BY workflow, total;
COMMENT ON VIEW triage.workflow_latency IS 'percentiles of the statements of this database by medical workflow, from their merged histograms; workflow is null for all statements';
GRANT EXECUTE ON FUNCTION triage.latency_buckets() TO triage_reader;
GRANT SELECT ON triage.workflow_latency TO triage_reader;

-- SECURITY DEFINER, because only a superuser or pg_read_all_stats sees everybody's sessions; nothing but
-- their number gets out.
CREATE FUNCTION triage.check_targets(OUT target text, OUT figure float8, OUT limit_value float8, OUT unit text,
                                     OUT severity text, OUT ok boolean, OUT detail text)
RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH latency AS (
        SELECT q.measure, l.workflow, q.ms AS figure,
               -- Below that, the p-th percentile is just the slowest execution.
               l.executions >= q.least AS evidence,
               CASE WHEN l.executions >= q.least THEN format('over %s executions', l.executions)
                    ELSE format('over %s executions; evidence takes %s', l.executions, q.least) END AS detail
          FROM triage.workflow_latency l
         CROSS JOIN LATERAL (VALUES ('p50', l.p50_ms, 2), ('p95', l.p95_ms, 20), ('p99', l.p99_ms, 100))
               AS q(measure, ms, least)
    ), database AS (
        SELECT (d.xact_commit + d.xact_rollback)::float8 AS transactions,
               (d.blks_hit + d.blks_read)::float8 AS blocks, d.blks_hit::float8 AS hits,
               coalesce(d.stats_reset, pg_postmaster_start_time()) AS since
          FROM pg_stat_database d WHERE d.datname = current_database()
    ), sessions AS (
        SELECT count(*) AS open,
               current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS slots
          FROM pg_stat_activity a WHERE a.backend_type = 'client backend'
    ), evidence(measure, workflow, figure, evidence, detail) AS (
        SELECT l.measure, l.workflow, l.figure, l.evidence, l.detail FROM latency l
        UNION ALL
        -- A mean is never above the peak: it can prove that the target is met, and nothing else.
        SELECT 'throughput', NULL, d.transactions / greatest(extract(epoch FROM clock_timestamp() - d.since)::float8, 1), true,
               format('mean since %s, a lower bound', to_char(d.since, 'YYYY-MM-DD HH24:MI'))
          FROM database d
        UNION ALL
        SELECT 'connections', NULL, 100.0 * s.open / greatest(s.slots, 1), true,
               format('%s sessions of %s right now', s.open, s.slots)
          FROM sessions s
        UNION ALL
        SELECT 'hit_rate', NULL, 100 * d.hits / nullif(d.blocks, 0), d.blocks >= 1000,
               format('over %s blocks since %s', d.blocks, to_char(d.since, 'YYYY-MM-DD HH24:MI'))
          FROM database d
    )
    SELECT t.target, e.figure, t.limit_value, t.unit, t.severity,
           CASE WHEN e.evidence THEN
               CASE t.comparison WHEN '<' THEN e.figure < t.limit_value
                                 WHEN '>' THEN e.figure > t.limit_value
                                 WHEN '>=' THEN nullif(e.figure >= t.limit_value, false) END
           END,
           coalesce(e.detail,
                    CASE WHEN t.measure IN ('cpu', 'memory')
                         THEN 'measured by pg_triage on the server''s machine'
                         ELSE 'no statement was seen' END)
      FROM triage.targets t
      LEFT JOIN evidence e ON e.measure = t.measure AND e.workflow IS NOT DISTINCT FROM t.workflow
     ORDER BY array_position(ARRAY['critical', 'high', 'medium', 'low'], t.severity), t.target
$$;
COMMENT ON FUNCTION triage.check_targets() IS 'every target with its figure; ok is null where there is no evidence for either';
GRANT EXECUTE ON FUNCTION triage.check_targets() TO triage_reader;

-- ---------------------------------------------------------------------------------------------
-- Nothing beyond what is granted above to the two roles: functions are not for PUBLIC unless said so.
-- ---------------------------------------------------------------------------------------------
REVOKE ALL ON ALL ROUTINES IN SCHEMA triage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION triage.version() TO PUBLIC;

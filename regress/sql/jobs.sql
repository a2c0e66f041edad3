-- Jobs: what is queued is built by the worker, and every request that makes no sense is refused.
CREATE EXTENSION pg_triage CASCADE;
CREATE ROLE regress_owner;
CREATE ROLE regress_operator;
CREATE ROLE regress_stranger;
GRANT triage_operator TO regress_operator, regress_owner;
CREATE SCHEMA clinic AUTHORIZATION regress_owner;
GRANT USAGE ON SCHEMA clinic TO regress_operator, regress_stranger;
SET ROLE regress_owner;
CREATE TABLE clinic.patients (id int PRIMARY KEY, mrn text, active boolean, "Größe" int);
INSERT INTO clinic.patients SELECT g, 'M' || g, g % 10 = 0, g FROM generate_series(1, 1000) g;
RESET ROLE;
CREATE VIEW what AS SELECT id, kind, status, ddl, attempts, error, verdict FROM triage.jobs ORDER BY id;
CREATE VIEW indexes AS
SELECT indexrelid::regclass AS index, indisvalid AS valid, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index WHERE indrelid = to_regclass('clinic.patients') ORDER BY 1;
GRANT SELECT ON what, indexes TO PUBLIC;

-- A migration: in a transaction, again and again, with the same outcome.
SET ROLE regress_owner;
BEGIN;
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (mrn) WHERE active') AS job \gset
SELECT triage.ensure_index('create index concurrently on clinic.patients using btree (mrn asc) where (active)') = :job AS same_job;
COMMIT;
CALL triage.wait_for_job(:job);
SELECT * FROM what;
SELECT * FROM indexes;
RESET ROLE;
SELECT index_name, built_bytes = pg_relation_size('clinic.patients_mrn_idx') AS measured, error > -1 AS predicted
  FROM triage.size_predictions;
SET ROLE regress_owner;
SELECT triage.ensure_index('CREATE INDEX patients_mrn ON clinic.patients (mrn) WHERE active');
-- What a rolled-back transaction asked for does not happen.
BEGIN;
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (active)') IS NOT NULL AS queued;
ROLLBACK;
SELECT count(*) FROM triage.jobs;
-- A table of the same transaction; all that an index can be.
BEGIN;
CREATE TABLE clinic."Notes ü" (id int, "Note" text COLLATE "C", at timestamptz, tags int[]);
SELECT triage.ensure_index('CREATE INDEX "Notes by ""time""" ON clinic."Notes ü" (lower("Note") text_pattern_ops, at DESC NULLS LAST) INCLUDE (id) WITH (fillfactor = 80) WHERE id > 10') AS job \gset
COMMIT;
CALL triage.wait_for_job(:job);
SELECT triage.ensure_index('CREATE INDEX ON clinic."Notes ü" USING gin (tags)') AS job \gset
CALL triage.wait_for_job(:job);
SET search_path = clinic;
SELECT triage.ensure_index('CREATE UNIQUE INDEX ON patients ("Größe")') AS job \gset
CALL triage.wait_for_job(:job);
-- The unique one serves what the plain one would.
SELECT triage.ensure_index('CREATE INDEX ON patients ("Größe")');
RESET search_path;
-- So does one with more columns, in either direction; not one of fewer rows.
SELECT triage.ensure_index('CREATE INDEX wide ON clinic.patients (active, mrn DESC) INCLUDE (id)') AS job \gset
CALL triage.wait_for_job(:job);
BEGIN;
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (active)') IS NULL AS served,
       triage.ensure_index('CREATE INDEX ON clinic.patients (active DESC, mrn) WHERE id > 10') IS NULL AS reversed,
       triage.ensure_index('CREATE UNIQUE INDEX ON clinic.patients (active)') IS NULL AS promised;
ROLLBACK;
SELECT size_bytes > 0 AS has_size FROM triage.jobs WHERE index_name = 'wide';
SELECT indexrelid::regclass AS index, indisvalid AS valid, pg_get_indexdef(indexrelid) AS definition
  FROM pg_index WHERE indrelid IN ('clinic.patients'::regclass, 'clinic."Notes ü"'::regclass) ORDER BY indexrelid;
RESET ROLE;

-- Drop and undo, there and back.
SELECT triage.drop_index('clinic.patients_mrn_idx') AS job \gset
CALL triage.wait_for_job(:job);
SELECT index FROM indexes;
SELECT triage.undo(:job) AS back \gset
CALL triage.wait_for_job(:back);
SELECT index, valid FROM indexes;
SELECT status, verdict FROM triage.jobs WHERE id = :job;
SELECT triage.undo(:back) AS again \gset
CALL triage.wait_for_job(:again);
SELECT index FROM indexes;
SELECT status, verdict FROM triage.jobs WHERE id = :back;
SELECT triage.undo(:back);
SELECT triage.undo(4711);

-- What recommendations lead to.
INSERT INTO triage.recommendations (fingerprint, rank, relation, ddl, kind, size_bytes, cost_before, cost_after,
    improvement, write_cost, queries, generic_plan_ok, reason)
VALUES ('a', 1, 'clinic.patients', 'CREATE INDEX CONCURRENTLY patients_mrn_idx ON clinic.patients USING btree (mrn) WHERE active',
        'partial', 8192, 10, 1, 0.9, 0, 1, true, 'test') RETURNING id AS recommendation \gset
SELECT triage.create_index(:recommendation) AS job \gset
SELECT triage.create_index(:recommendation) = :job AS same_job;
CALL triage.wait_for_job(:job);
SELECT triage.create_index(:recommendation) = :job AS same_job;
SELECT status FROM triage.recommendations;
SELECT triage.undo(:job) AS back \gset
CALL triage.wait_for_job(:back);
SELECT status FROM triage.recommendations;
UPDATE triage.recommendations SET status = 'open', ddl = 'CREATE INDEX again ON clinic.patients (active)';
SELECT triage.create_index(:recommendation);
SELECT status FROM triage.recommendations;
SELECT triage.create_index(4711);
SELECT triage.create_index(NULL);

-- Partitioned tables: each leaf concurrently, then all of them under one.
SET ROLE regress_owner;
CREATE TABLE clinic.vitals (patient int, at date, value int) PARTITION BY RANGE (at);
CREATE TABLE clinic.vitals_2024 PARTITION OF clinic.vitals FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE clinic.vitals_2025 PARTITION OF clinic.vitals FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (value);
CREATE TABLE clinic.vitals_2025_1 PARTITION OF clinic.vitals_2025 FOR VALUES IN (1);
CREATE TABLE clinic."Vitals 2025 2" PARTITION OF clinic.vitals_2025 DEFAULT;
INSERT INTO clinic.vitals SELECT g, '2024-06-01'::date + g % 500, g % 3 FROM generate_series(1, 1000) g;
CREATE INDEX made_before ON clinic.vitals_2025_1 (patient, at DESC) WHERE value > 0;
SELECT triage.ensure_index('CREATE INDEX vitals_recent ON clinic.vitals (patient, at DESC) WHERE value > 0') AS job \gset
CALL triage.wait_for_job(:job);
SELECT triage.ensure_index('CREATE INDEX ON clinic.vitals (patient) WHERE value > 0') IS NULL AS served;
RESET ROLE;
SELECT status, ddl, error, size_bytes > 0 AS has_size FROM triage.jobs WHERE id = :job;
CREATE VIEW vitals_indexes AS
SELECT t.relid AS table, i.indexrelid::regclass AS index, i.indisvalid AS valid, c.relispartition AS attached
  FROM pg_partition_tree('clinic.vitals') t JOIN pg_index i ON i.indrelid = t.relid JOIN pg_class c ON c.oid = i.indexrelid
 ORDER BY t.level, t.relid::text COLLATE "C", 2;
SELECT * FROM vitals_indexes;
SELECT triage.drop_index('clinic.vitals_2024_patient_at_idx');
SELECT triage.undo(:job) AS back \gset
CALL triage.wait_for_job(:back);
SELECT * FROM vitals_indexes;
SELECT triage.undo(:back) AS again \gset
CALL triage.wait_for_job(:again);
SELECT * FROM vitals_indexes;
-- What cannot be is known before a leaf is read.
SELECT triage.ensure_index('CREATE UNIQUE INDEX ON clinic.vitals (patient)') AS job \gset
CALL triage.wait_for_job(:job);
SELECT count(*) FROM triage.job_parts WHERE job_id = :job;
SELECT triage.ensure_index('CREATE INDEX ON ONLY clinic.vitals (patient)');
SELECT count(*) FROM vitals_indexes WHERE NOT valid;
DROP VIEW vitals_indexes;

-- Wrong requests.
SELECT triage.ensure_index(NULL);
SELECT triage.ensure_index('CREATE INDX ON clinic.patients (mrn)');
SELECT triage.ensure_index('DROP TABLE clinic.patients');
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (mrn); DROP TABLE clinic.patients');
SELECT triage.ensure_index('');
SELECT triage.ensure_index('CREATE INDEX ON clinic.nowhere (mrn)');
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (nothing)');
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (mrn) INCLUDE (nothing)');
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients USING gin (mrn)');
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients USING nothing (mrn)');
SELECT triage.ensure_index('CREATE INDEX patients_pkey ON clinic.patients (mrn)');
SELECT triage.ensure_index('CREATE INDEX IF NOT EXISTS patients_pkey ON clinic.patients (mrn)');
SELECT triage.ensure_index('CREATE INDEX ON pg_class (relpages)');
SELECT triage.ensure_index('CREATE INDEX ON what (id)');
CREATE TEMPORARY TABLE passing (id int);
SELECT triage.ensure_index('CREATE INDEX ON passing (id)');
CREATE FOREIGN DATA WRAPPER regress_wrapper;
CREATE SERVER regress_server FOREIGN DATA WRAPPER regress_wrapper;
CREATE FOREIGN TABLE elsewhere (id int) SERVER regress_server;
SELECT triage.ensure_index('CREATE INDEX ON elsewhere (id)');
SELECT triage.drop_index(NULL);
SELECT triage.drop_index('clinic.patients');
SELECT triage.drop_index(4711::oid);
SELECT triage.drop_index('clinic.patients_pkey');
SELECT triage.drop_index('pg_class_oid_index');
SELECT triage.cancel_job(4711);
CALL triage.wait_for_job(4711);
CALL triage.wait_for_job(NULL);
BEGIN;
CALL triage.wait_for_job(1);
ROLLBACK;
CREATE FUNCTION waits() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL triage.wait_for_job(1); END';
SELECT waits();

-- A build that cannot succeed: no invalid index stays, and no value of a row gets into the message.
INSERT INTO clinic.patients VALUES (0, 'M1', true, 0);
SELECT triage.ensure_index('CREATE UNIQUE INDEX patients_mrn_unique ON clinic.patients (mrn)') AS job \gset
CALL triage.wait_for_job(:job);
SELECT status, error, sqlstate FROM triage.jobs WHERE id = :job;
SELECT triage.ensure_index('CREATE INDEX patients_number ON clinic.patients ((mrn::int))') AS job \gset
CALL triage.wait_for_job(:job);
SELECT status, error, sqlstate FROM triage.jobs WHERE id = :job;
SELECT triage.ensure_index('CREATE INDEX patients_random ON clinic.patients ((id + random()))');
SELECT count(*) FROM pg_index WHERE NOT indisvalid;
SELECT triage.cancel_job(:job);

-- Who may do what.
SET ROLE regress_stranger;
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (mrn)');
SELECT count(*) FROM triage.jobs;
RESET ROLE;
SET ROLE regress_operator;
SELECT triage.ensure_index('CREATE INDEX ON clinic.patients (mrn)');
SELECT triage.drop_index('clinic."patients_Größe_idx"');
UPDATE triage.job SET status = 'queued';
SELECT count(*) > 0 AS may_read FROM triage.jobs;
RESET ROLE;
-- An operator cannot have the table's owner run somebody else's function.
CREATE FUNCTION public.steal(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION public.steal OWNER TO regress_stranger;
INSERT INTO triage.recommendations (fingerprint, rank, relation, ddl, kind, size_bytes, cost_before, cost_after,
    improvement, write_cost, queries, generic_plan_ok, reason)
VALUES ('b', 1, 'clinic.patients', 'CREATE INDEX CONCURRENTLY patients_steal_idx ON clinic.patients USING btree (public.steal(mrn))',
        'expression', 8192, 10, 1, 0.9, 0, 1, true, 'test') RETURNING id AS recommendation \gset
SET ROLE regress_operator;
SELECT triage.create_index(:recommendation);
RESET ROLE;

-- The audit trail tells it all.
SELECT action, count(*) > 0 AS seen FROM triage.audit_log GROUP BY action ORDER BY action;
SELECT actor, action, object FROM triage.audit_log WHERE job_id = 1 ORDER BY id;
DELETE FROM triage.audit_log;

DROP VIEW what;
DROP EXTENSION pg_triage CASCADE;
DROP EXTENSION pg_stat_statements;
DROP SCHEMA clinic CASCADE;
DROP FUNCTION waits(), public.steal(text);
DROP FOREIGN TABLE elsewhere;
DROP SERVER regress_server;
DROP FOREIGN DATA WRAPPER regress_wrapper;
DROP VIEW indexes;
DROP ROLE regress_owner, regress_operator, regress_stranger;

-- What is said of existing indexes: one case for each reason, and what is never to be dropped.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA ward;
SET search_path = ward, public;
-- Readable, and with the scans of this session counted.
CREATE FUNCTION drops(tables text DEFAULT '%', unused_for interval DEFAULT '30 days')
RETURNS TABLE (index text, kind text, served_by text, ddl text) LANGUAGE sql AS $$
    SELECT index::text, kind, served_by::text, ddl FROM triage.recommend_drops(unused_for)
     WHERE relation::text LIKE tables ORDER BY index::text COLLATE "C" $$;

-- Duplicate: the one that is used more stays; a constraint's index always does.
CREATE TABLE patients (id bigint PRIMARY KEY, mrn text NOT NULL, name text, active bool);
INSERT INTO patients SELECT i, 'M' || i, 'N' || i, i % 9 = 0 FROM generate_series(1, 3000) AS i;
CREATE INDEX patients_id ON patients (id);
CREATE INDEX patients_mrn_1 ON patients (mrn);
CREATE INDEX patients_mrn_2 ON patients (mrn);
VACUUM ANALYZE patients;
SET enable_seqscan = off;
SELECT count(*) FROM patients WHERE mrn = 'M7';
SELECT pg_stat_force_next_flush();
SELECT count(*) = 1 AS one_of_two FROM drops('patients') WHERE index LIKE 'patients_mrn%';
SELECT d.kind, s.idx_scan = 0 AS unused, d.served_by <> d.index AS by_the_other
  FROM drops('patients') d JOIN pg_stat_all_indexes s ON s.indexrelid = d.index::regclass
 WHERE d.index LIKE 'patients_mrn%';
SELECT * FROM drops('patients') WHERE index = 'patients_id';
DROP INDEX patients_mrn_2, patients_id;

-- Redundant: a leading part; but not with another predicate, collation, operator class, direction,
-- INCLUDE column or promise.
CREATE INDEX patients_wide ON patients (mrn, name);
SELECT * FROM drops('patients');
DROP INDEX patients_mrn_1;
CREATE INDEX patients_partial ON patients (mrn) WHERE active;
CREATE INDEX patients_collated ON patients (mrn COLLATE "C");
CREATE INDEX patients_pattern ON patients (mrn text_pattern_ops);
CREATE INDEX patients_mixed ON patients (mrn, name DESC);
CREATE INDEX patients_covering ON patients (mrn) INCLUDE (active);
CREATE UNIQUE INDEX patients_promise ON patients (mrn);
SELECT * FROM drops('patients');
CREATE INDEX patients_backward ON patients (mrn DESC, name DESC);
SELECT count(*) AS read_backward FROM drops('patients') WHERE kind = 'duplicate';
DROP TABLE patients;

-- Unused: if the scans were counted for that long, and never what keeps a promise.
CREATE TABLE stays (id bigint PRIMARY KEY, ward int, bed int, doctor int, note text);
CREATE UNIQUE INDEX stays_bed ON stays (ward, bed);
CREATE UNIQUE INDEX stays_referred_to ON stays (doctor);
ALTER TABLE stays ALTER doctor SET NOT NULL;
CREATE TABLE visits (doctor int REFERENCES stays (doctor));
CREATE INDEX stays_note ON stays (lower(note));
CREATE INDEX stays_hash ON stays USING hash (note);
CREATE INDEX stays_clustered ON stays (note);
CLUSTER stays USING stays_clustered;
ALTER TABLE stays ALTER ward SET NOT NULL, ALTER bed SET NOT NULL;
ALTER TABLE stays REPLICA IDENTITY USING INDEX stays_bed;
SELECT * FROM drops('stays', '100 years');
SELECT * FROM drops('stays', '0');
SELECT reason LIKE '%keeps no statistics of its expression%' AS said
  FROM triage.recommend_drops('0') WHERE index = 'stays_note'::regclass;
CREATE INDEX stays_bed_again ON stays (ward, bed);
CREATE INDEX stays_clustered_again ON stays (note);
SELECT * FROM drops('stays');
DROP TABLE visits, stays;

-- Invalid: dropped, or where it has a duty, built again; not while somebody may be building it.
CREATE TABLE drugs (id int PRIMARY KEY, code int);
CREATE INDEX drugs_code ON drugs (code);
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('drugs_code'::regclass, 'drugs_pkey'::regclass);
SELECT * FROM drops('drugs');
SELECT index, reason FROM triage.recommend_drops() WHERE relation = 'drugs'::regclass ORDER BY index::text;
BEGIN;
LOCK TABLE drugs IN SHARE UPDATE EXCLUSIVE MODE;
SELECT * FROM drops('drugs');
COMMIT;
DROP TABLE drugs;

-- Bloated: to be built again, a constraint's index too.
CREATE TABLE vitals (id int PRIMARY KEY) WITH (autovacuum_enabled = off);
INSERT INTO vitals SELECT generate_series(1, 100000);
VACUUM ANALYZE vitals;
SELECT * FROM drops('vitals');
DELETE FROM vitals WHERE id % 100 <> 0;
VACUUM ANALYZE vitals;
SELECT index, kind, ddl, saved_bytes > size_bytes / 2 AS mostly_air
  FROM triage.recommend_drops() WHERE relation = 'vitals'::regclass;
REINDEX INDEX vitals_pkey;
SELECT * FROM drops('vitals');
DROP TABLE vitals;

-- Partitions: of what belongs together the whole is told, once.
CREATE TABLE readings (patient int, at date, value int) PARTITION BY RANGE (at);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE readings_2 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX readings_patient ON readings (patient);
CREATE INDEX readings_patient_at ON readings (patient, at);
CREATE INDEX readings_2_patient ON readings_2 (patient);
SELECT * FROM drops('readings%');
INSERT INTO readings SELECT i % 50, date '2024-01-01' + i % 700, i FROM generate_series(1, 2000) AS i;
ANALYZE readings;
SELECT count(*) FROM readings WHERE patient = 7 AND at = '2024-01-08';
SELECT pg_stat_force_next_flush();
DROP INDEX readings_patient;
SELECT * FROM drops('readings%', '0');
DROP TABLE readings;

-- Temporary tables are left to their session.
CREATE TEMP TABLE passing (id int);
CREATE INDEX passing_1 ON passing (id);
CREATE INDEX passing_2 ON passing (id);
SELECT * FROM drops('%', '0');
SELECT triage.recommend_drops(NULL);
SELECT triage.recommend_drops('-1 day');

-- The functions in a definition run as the table's owner, whoever asks.
CREATE ROLE regress_owner;
CREATE ROLE regress_reader IN ROLE triage_reader;
GRANT CREATE, USAGE ON SCHEMA ward TO regress_owner, regress_reader;
SET ROLE regress_owner;
CREATE FUNCTION bait(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'regress_owner' THEN RAISE EXCEPTION 'ran as %', current_user; END IF;
    RETURN 1;
END $$;
CREATE TABLE trap (id int);
CREATE INDEX trap_1 ON trap (id) WHERE id > ward.bait(1);
CREATE INDEX trap_2 ON trap (id) WHERE id > ward.bait(1);
SET ROLE regress_reader;
SELECT index, kind, served_by FROM triage.recommend_drops() ORDER BY 1;
RESET ROLE;
SELECT has_function_privilege('public', 'triage.recommend_drops(interval)', 'execute') AS for_everybody;

DROP SCHEMA ward CASCADE;
DROP OWNED BY regress_owner, regress_reader;
DROP ROLE regress_owner, regress_reader;
DROP EXTENSION pg_triage;

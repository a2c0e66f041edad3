-- Which values the privacy rule lets out, and what labels change of it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_triage CASCADE;
RESET client_min_messages;

CREATE TYPE urgency AS ENUM ('routine', 'urgent', 'stat');
CREATE TABLE wards (id int PRIMARY KEY, code text UNIQUE);
INSERT INTO wards SELECT g, 'W' || g FROM generate_series(1, 5) g;
CREATE TABLE admissions (
    id int PRIMARY KEY,
    status varchar(20),
    urgency urgency,
    letter char(3),
    initial "char",
    open bool,
    floor smallint,
    ward_id int REFERENCES wards,  -- a foreign key
    mrn text,                      -- by its name an identifier, though few
    weight numeric,                -- not a safe type
    admitted_on date,              -- nor this
    rare text,                     -- 'x' 3990 times, 'y' 10 times
    many int,                      -- 200 different values
    remark text
) WITH (autovacuum_enabled = off);
INSERT INTO admissions
SELECT g, 'status ' || g % 4, (ARRAY['routine', 'urgent', 'stat'])[1 + g % 3]::urgency, 'L' || g % 4,
       (ARRAY['a', 'b'])[1 + g % 2]::"char", g % 2 = 0, g % 5, 1 + g % 5, 'M' || g % 10, g % 3,
       '2020-01-01'::date + g % 5, CASE WHEN g % 400 = 0 THEN 'y' ELSE 'x' END, g % 200, 'R' || g
  FROM generate_series(1, 4000) g;
ANALYZE admissions;

-- One value of a column at a time; shows which came through.
CREATE FUNCTION kept(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    PERFORM triage.reset();
    EXECUTE 'SELECT count(*) FROM admissions WHERE ' || condition;
    SELECT coalesce(array_to_string(shared_values, '; '), 'nothing') || CASE WHEN withheld > 0 THEN ', withheld ' || withheld ELSE '' END
      INTO result FROM triage.access_patterns WHERE relation = 'admissions'::regclass;
    RETURN result;
END
$$;

-- Let out: few values, each of many rows, of a type that prints plainly.
SELECT condition, kept(condition) FROM (VALUES
    ($$status = 'status 1'$$), ($$urgency = 'stat'$$), ($$urgency IN ('stat', 'urgent')$$), ($$letter = 'L2'$$),
    ($$initial = 'a'$$), ($$open$$), ($$NOT open$$), ($$floor = 3$$), ($$floor = 3::bigint$$), ($$floor >= 3$$),
    ($$rare = 'x'$$), ($$status <> 'status 2'$$)) AS c(condition);

-- Kept back: keys, identifiers by name, unsafe types, values of too few rows or of none, patterns.
SELECT condition, kept(condition) FROM (VALUES
    ($$id = 17$$), ($$ward_id = 3$$), ($$mrn = 'M3'$$), ($$weight = 2$$), ($$admitted_on = '2020-01-03'$$),
    ($$rare = 'y'$$), ($$many = 7$$), ($$remark = 'R17'$$), ($$status = 'typed by somebody'$$),
    ($$status IN ('status 1', 'typed by somebody')$$), ($$status LIKE 'status 1%'$$), ($$floor > 77$$)) AS c(condition);

-- k is a setting; it counts when a value comes in and when it is shown.
SET pg_triage.min_shared_rows = 10;
SELECT kept($$rare = 'y'$$);
SET pg_triage.min_shared_rows = 11;
SELECT shared_values, withheld FROM triage.access_patterns WHERE relation = 'admissions'::regclass;
RESET pg_triage.min_shared_rows;

-- Labels. What a phi label covers is gone from memory when it commits, not before.
SELECT kept($$status = 'status 1'$$);
BEGIN;
SECURITY LABEL FOR pg_triage ON COLUMN admissions.status IS 'phi';
ROLLBACK;
SELECT shared_values FROM triage.access_patterns WHERE relation = 'admissions'::regclass;
SECURITY LABEL FOR pg_triage ON COLUMN admissions.status IS 'phi';
SELECT shared_values, withheld FROM triage.access_patterns WHERE relation = 'admissions'::regclass;
SELECT kept($$status = 'status 1'$$);
SECURITY LABEL FOR pg_triage ON COLUMN admissions.status IS NULL;
SELECT kept($$status = 'status 1'$$);
SECURITY LABEL FOR pg_triage ON TABLE admissions IS 'phi';
SELECT kept($$status = 'status 1'$$);
SECURITY LABEL FOR pg_triage ON TABLE admissions IS NULL;

-- A public label lifts what is only guessed; neither k nor the types.
SECURITY LABEL FOR pg_triage ON COLUMN admissions.mrn IS 'public';
SECURITY LABEL FOR pg_triage ON COLUMN admissions.many IS 'public';
SECURITY LABEL FOR pg_triage ON COLUMN admissions.ward_id IS 'public';
SECURITY LABEL FOR pg_triage ON COLUMN admissions.rare IS 'public';
SECURITY LABEL FOR pg_triage ON COLUMN admissions.weight IS 'public';
SELECT condition, kept(condition) FROM (VALUES
    ($$mrn = 'M3'$$), ($$many IN (7, 8, 9)$$), ($$ward_id = 3$$), ($$rare = 'y'$$), ($$weight = 2$$)) AS c(condition);

-- A partition's column has its ancestors' label.
CREATE TABLE stays (at date, kind text) PARTITION BY RANGE (at);
CREATE TABLE stays_1 PARTITION OF stays FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO stays SELECT '2020-01-01', 'kind ' || g % 3 FROM generate_series(1, 300) g;
ANALYZE stays;
SELECT triage.reset();
SELECT count(*) FROM stays WHERE kind = 'kind 1';
SELECT shared_values FROM triage.access_patterns WHERE relation = 'stays_1'::regclass;
SECURITY LABEL FOR pg_triage ON COLUMN stays.kind IS 'phi';
SELECT count(*) FROM stays WHERE kind = 'kind 1';
SELECT shared_values, withheld FROM triage.access_patterns WHERE relation = 'stays_1'::regclass;

-- What is no label, and what cannot have one.
DO $$ BEGIN SECURITY LABEL FOR pg_triage ON COLUMN admissions.status IS 'secret';
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
DO $$ BEGIN SECURITY LABEL FOR pg_triage ON TABLE admissions IS 'public';
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
DO $$ BEGIN SECURITY LABEL FOR pg_triage ON FUNCTION kept(text) IS 'phi';
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;

-- Nothing is kept of a table without statistics, or of a value when they are gone.
CREATE TABLE fresh AS SELECT * FROM admissions;
SELECT triage.reset();
SELECT count(*) FROM fresh WHERE status = 'status 1';
SELECT mean_selectivity, shared_values, withheld FROM triage.access_patterns WHERE relation = 'fresh'::regclass;

DROP FUNCTION kept;
DROP TABLE admissions, wards, stays, fresh;
DROP TYPE urgency;

DROP EXTENSION pg_triage, pg_stat_statements;

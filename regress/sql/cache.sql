-- What is in the buffer pool, and what was learnt from it. Figures differ from run to run: relations only.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
RESET client_min_messages;
CREATE TABLE patients (id int PRIMARY KEY, note text);
INSERT INTO patients SELECT g, repeat('x', 500) FROM generate_series(1, 2000) g;
VACUUM ANALYZE patients;
SELECT count(*) FROM patients WHERE note <> '';

-- Every block of the table is there, in ranges that neither overlap nor touch.
SELECT sum(last_block - first_block + 1) = pg_relation_size('patients') / current_setting('block_size')::int AS whole_table
  FROM triage.hot_blocks() WHERE relation = 'patients'::regclass AND fork = 'main';
SELECT count(*) AS overlapping
  FROM triage.hot_blocks() a JOIN triage.hot_blocks() b USING (relation, fork)
 WHERE a.first_block < b.first_block AND a.last_block >= b.first_block AND relation = 'patients'::regclass;
SELECT bool_and(usage_count BETWEEN 0 AND 5) AS plausible FROM triage.hot_blocks();

SELECT pg_stat_force_next_flush();
SELECT relation, fork, data_class, blocks = relation_blocks AS all_there,
       (SELECT sum(n) FROM unnest(usage_counts) n) = blocks AS each_counted,
       hit <= fetched AS plausible, hit_rate BETWEEN 0 AND 1 AS a_rate
  FROM triage.cache WHERE relation IN ('patients'::regclass, 'patients_pkey'::regclass) AND fork = 'main'
 ORDER BY relation::text;

-- The worker looks at the pool by itself.
ALTER SYSTEM SET pg_triage.buffer_interval = '50ms';
SELECT pg_reload_conf();
CREATE FUNCTION wait_for_heat() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..300 LOOP
        IF EXISTS (SELECT FROM triage.heat() WHERE relation = 'patients'::regclass AND fork = 'main') THEN
            RETURN true;
        END IF;
        PERFORM count(*) FROM patients WHERE note <> '';
        PERFORM pg_sleep(0.1);
    END LOOP;
    RETURN false;
END
$$;
SELECT wait_for_heat();
SELECT extent, heat > 0 AS hot, bit_count(blocks::bit(64)) = 64 AS full, hot & ~blocks AS hot_elsewhere
  FROM triage.heat() WHERE relation = 'patients'::regclass AND fork = 'main' AND extent = 0;
-- The metapage is above the leaves, and the root of an index of more than one page is.
SELECT get_bit(upper::bit(64), 63) AS metapage, bit_count(upper::bit(64)) > 1 AS root
  FROM triage.heat() WHERE relation = 'patients_pkey'::regclass AND fork = 'main' AND extent = 0;
SELECT count(*) > 0 AS any FROM triage.heat(0) WHERE relation = 'patients'::regclass;

-- Sizes as asked for; larger ones hit no less.
SELECT count(*), bool_and(hit_rate BETWEEN 0 AND 1 OR hit_rate IS NULL) AS a_rate FROM triage.miss_ratio_curve();
SELECT shared_buffers FROM triage.miss_ratio_curve(ARRAY[8192, 1048576]);
SELECT count(*) AS falling
  FROM (SELECT hit_rate, lag(hit_rate) OVER (ORDER BY shared_buffers) AS smaller FROM triage.miss_ratio_curve()) c
 WHERE hit_rate < smaller - 1e-9;

-- What makes no sense is refused.
SELECT triage.heat(168);
SELECT triage.heat(-1);
SELECT * FROM triage.miss_ratio_curve(ARRAY[0]);
SELECT * FROM triage.miss_ratio_curve(ARRAY[NULL::bigint]);
SELECT triage.pause_heat(601);
SELECT triage.pause_heat(0);

-- A table that was dropped or rewritten is no longer spoken of under its old file.
TRUNCATE patients;
SELECT count(*) FROM triage.hot_blocks() WHERE relation = 'patients'::regclass AND fork = 'main';
DROP TABLE patients;
SELECT count(*) FROM triage.heat() WHERE relation::text LIKE '%patients%';

-- For readers and operators only.
CREATE ROLE cache_nobody;
SET ROLE cache_nobody;
SELECT count(*) FROM triage.hot_blocks();
SELECT count(*) FROM triage.cache;
RESET ROLE;
SET ROLE triage_reader;
SELECT count(*) > 0 AS readable FROM triage.cache;
SELECT triage.pause_heat(1);
RESET ROLE;
SET ROLE triage_operator;
SELECT triage.pause_heat(0);
RESET ROLE;
DROP ROLE cache_nobody;
DROP FUNCTION wait_for_heat();
ALTER SYSTEM RESET pg_triage.buffer_interval;
SELECT pg_reload_conf();
DROP EXTENSION pg_triage, pg_stat_statements;

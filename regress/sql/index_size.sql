-- estimate_index_size against the size of the index once it is built.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA index_size;
SET search_path = index_size;
SET default_statistics_target = 1000; -- every row is in the sample

CREATE TABLE results (id bigint NOT NULL, patient_id int NOT NULL, mrn text NOT NULL, status varchar(20) NOT NULL,
                      taken timestamptz NOT NULL, value numeric, critical boolean NOT NULL, acked timestamptz,
                      comment text) WITH (autovacuum_enabled = off);
INSERT INTO results
SELECT g, g * 7919 % 20000, 'M' || lpad((g * 31 % 100000)::text, 9, '0'),
       (ARRAY['final', 'preliminary', 'corrected', 'cancelled'])[1 + (hashint4(g) & 3)],
       timestamptz '2024-01-01 00:00+00' + g / 3 * interval '10 seconds', g % 1000 / 7.0,
       hashint4(-g) % 50 = 0, CASE WHEN g % 3 > 0 THEN timestamptz '2024-01-01 00:00+00' + g * interval '1 second' END,
       repeat('lorem ipsum ', g % 5)
  FROM generate_series(1, 100000) g;
ANALYZE results;
CREATE TABLE parts (id int, ward int, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') WITH (autovacuum_enabled = off);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-12-01') WITH (autovacuum_enabled = off);
INSERT INTO parts SELECT g, g % 40, date '2024-01-01' + g % 300 FROM generate_series(1, 60000) g;
ANALYZE parts;

CREATE TABLE cases (id int, title text, ddl text);
INSERT INTO cases VALUES
(1, 'unique bigint', 'CREATE INDEX x ON results (id)'),
(2, 'duplicates', 'CREATE INDEX x ON results (patient_id)'),
(3, 'few values', 'CREATE INDEX x ON results (status)'),
(4, 'text', 'CREATE INDEX x ON results (mrn)'),
(5, 'two columns', 'CREATE INDEX x ON results (patient_id, taken DESC)'),
(6, 'three columns', 'CREATE INDEX x ON results (status, patient_id, taken)'),
(7, 'numeric does not deduplicate', 'CREATE INDEX x ON results (value)'),
(8, 'nulls', 'CREATE INDEX x ON results (acked)'),
(9, 'partial', 'CREATE INDEX x ON results (mrn) WHERE critical'),
(10, 'partial, null', 'CREATE INDEX x ON results (taken) WHERE acked IS NULL'),
(11, 'partial, not null', 'CREATE INDEX x ON results (acked) WHERE acked IS NOT NULL'),
(12, 'partial, its own column', $$CREATE INDEX x ON results (status, id) WHERE status = 'final'$$),
(13, 'partial, two conditions', $$CREATE INDEX x ON results (patient_id) WHERE critical AND status IN ('final', 'corrected')$$),
(14, 'covering', 'CREATE INDEX x ON results (patient_id) INCLUDE (value, status)'),
(15, 'expression', 'CREATE INDEX x ON results (lower(mrn))'),
(16, 'fill factor', 'CREATE INDEX x ON results (id) WITH (fillfactor = 50)'),
(17, 'deduplication off', 'CREATE INDEX x ON results (patient_id) WITH (deduplicate_items = off)'),
(18, 'unique', 'CREATE UNIQUE INDEX x ON results (id)'),
(19, 'partitioned', 'CREATE INDEX x ON parts (id)'),
(20, 'nothing matches', 'CREATE INDEX x ON results (id) WHERE id < 0'),
(21, 'columns that hang together', 'CREATE INDEX x ON results (patient_id, status, mrn, (patient_id / 2))'),
(22, 'expression with fewer values', 'CREATE INDEX x ON results ((patient_id % 100))'),
(23, 'expression with shorter values', 'CREATE INDEX x ON results (left(comment, 5))'),
(24, 'expression over partitions', 'CREATE INDEX x ON parts ((ward / 4), at)');

CREATE FUNCTION compare(c cases, OUT close boolean, OUT whole_pages boolean)
LANGUAGE plpgsql AS $$
DECLARE
    guess record;
    real_bytes bigint;
BEGIN
    SELECT * INTO guess FROM triage.estimate_index_size(c.ddl);
    EXECUTE c.ddl;
    SELECT sum(pg_relation_size(oid)) INTO real_bytes FROM pg_class
     WHERE oid = 'x'::regclass OR oid IN (SELECT relid FROM pg_partition_tree('x'));
    DROP INDEX x;
    close := guess.bytes BETWEEN 0.85 * real_bytes AND 1.15 * real_bytes + 8192;
    whole_pages := guess.bytes = guess.pages * 8192;
    IF NOT close THEN
        RAISE WARNING '% estimated, % real', guess, real_bytes;
    END IF;
END $$;

SELECT id, title, close, whole_pages FROM cases c, compare(c) ORDER BY id;

SELECT tuples, tree_height FROM triage.estimate_index_size('CREATE INDEX ON results (id)');
SELECT tuples BETWEEN 0.8 * real AND 1.2 * real AS close, tree_height
  FROM triage.estimate_index_size('CREATE INDEX ON results (id) WHERE critical'),
       (SELECT count(*) AS real FROM results WHERE critical) counted;

-- No function of anybody's runs for an estimate, and an expression that fails says nothing of the value.
CREATE FUNCTION raises(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran'; END $$;
SELECT bytes > 0 AS estimated FROM triage.estimate_index_size('CREATE INDEX ON results (raises(patient_id))');
SELECT bytes > 0 AS estimated FROM triage.estimate_index_size('CREATE INDEX ON results ((mrn::int))');

-- An estimate would tell of rows that row-level security hides from the caller.
CREATE TABLE shielded AS SELECT g AS id, 'secret' || g % 7 AS note FROM generate_series(1, 20000) g;
ANALYZE shielded;
ALTER TABLE shielded ENABLE ROW LEVEL SECURITY;
CREATE ROLE size_reader LOGIN IN ROLE triage_reader;
GRANT USAGE ON SCHEMA index_size TO size_reader;
GRANT SELECT ON shielded TO size_reader;
SET ROLE size_reader;
SELECT tuples FROM triage.estimate_index_size($$CREATE INDEX ON shielded (id) WHERE note || '' = 'secret1'$$);
RESET ROLE;
DROP TABLE shielded;
REVOKE USAGE ON SCHEMA index_size FROM size_reader;
DROP ROLE size_reader;

-- Bad input.
\set VERBOSITY default
SELECT * FROM triage.estimate_index_size('SELECT 1');
SELECT * FROM triage.estimate_index_size(NULL);
SELECT * FROM triage.estimate_index_size('CREATE INDEX ON results (nothing)');

DROP SCHEMA index_size CASCADE;
DROP EXTENSION pg_triage, pg_stat_statements;

-- Ranges that are narrow in some executions and wide in others: an index serves the ones, and by their mean it would
-- serve nobody.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA lab;
SET search_path = lab, public;

CREATE TABLE results (id bigint PRIMARY KEY, score int NOT NULL, note text);
INSERT INTO results SELECT i, i * 7919 % 10000, repeat('x', 100) FROM generate_series(1, 40000) AS i;
CREATE TABLE readings (id bigint PRIMARY KEY, level int NOT NULL, note text);
INSERT INTO readings SELECT i, i * 7919 % 10000, repeat('x', 100) FROM generate_series(1, 40000) AS i;
VACUUM ANALYZE results, readings;
SELECT count(triage.reset()) AS reset;

-- A range has 60 % of the rows on the average: in one table by 0.1 % and 98 %, in the other always.
\o /dev/null
\set ECHO none
SELECT format('SELECT sum(length(note)) FROM results WHERE score >= %s AND score < %s', i * 100, i * 100 + 10) FROM generate_series(1, 24) AS i \gexec
SELECT format('SELECT sum(length(note)) FROM results WHERE score >= %s AND score < %s', 100 + i, 9900 + i) FROM generate_series(1, 36) AS i \gexec
SELECT format('SELECT sum(length(note)) FROM readings WHERE level >= %s AND level < %s', i * 60, i * 60 + 6000) FROM generate_series(1, 60) AS i \gexec
\set ECHO all
\o

SELECT relation, regexp_replace(ddl, '^.* USING ', '') AS definition FROM triage.recommend_indexes() ORDER BY ddl;

DROP SCHEMA lab CASCADE;
DROP EXTENSION pg_triage;

-- What was estimated of a join is the same in the next what-if, in another session, and after the statistics changed.
SET client_min_messages = warning;
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE stays (id int PRIMARY KEY, ward int, kind int, filler text);
INSERT INTO stays SELECT i, i * 7 % 300, i % 100, repeat('x', 80) FROM generate_series(1, 20000) AS i;
CREATE TABLE beds (id int PRIMARY KEY, ward int, floor int);
INSERT INTO beds SELECT i, 100 + i % 400, i % 9 FROM generate_series(1, 3000) AS i;
CREATE TABLE nurses (id int PRIMARY KEY, ward int, name text);
INSERT INTO nurses SELECT i, i % 250, 'nurse ' || i FROM generate_series(1, 2000) AS i;
VACUUM ANALYZE stays, beds, nurses;

\set query 'SELECT count(*) FROM stays s, beds b, nurses n WHERE s.ward = b.ward AND b.ward = n.ward AND s.kind = 7 AND n.id < 40'
\set costs 'SELECT string_agg(round(cost::numeric, 4)::text, \',\' ORDER BY cost) FROM triage.what_if_costs(:\'query\', ARRAY[\'CREATE INDEX ON stays (kind)\', \'CREATE INDEX ON beds (ward)\', \'CREATE INDEX ON nurses (ward)\'], ARRAY[[1, NULL, NULL], [1, 2, NULL], [1, 2, 3]])'
\set merging 'SET enable_hashjoin = off; SET enable_nestloop = off; SET client_min_messages = warning;'

:costs \gset once_
:costs \gset again_
:merging
:costs \gset merged_once_
:costs \gset merged_again_
\c -
:costs \gset anew_
:merging
:costs \gset merged_anew_
SELECT :'once_string_agg' = :'again_string_agg' AS again, :'once_string_agg' = :'anew_string_agg' AS anew,
       :'merged_once_string_agg' = :'merged_again_string_agg' AS merged_again,
       :'merged_once_string_agg' = :'merged_anew_string_agg' AS merged_anew;

-- Other values in the one column, and in the other: the estimates are not those of before.
UPDATE beds SET ward = 280 + id % 400;
ANALYZE beds;
:costs \gset changed_
INSERT INTO nurses SELECT i, 270 + i % 20, 'nurse ' || i FROM generate_series(2001, 9000) AS i;
ANALYZE nurses;
:costs \gset grown_
\c -
:merging
:costs \gset grown_anew_
SELECT :'changed_string_agg' <> :'merged_once_string_agg' AS changed, :'grown_string_agg' <> :'changed_string_agg' AS grown,
       :'grown_string_agg' = :'grown_anew_string_agg' AS as_anew;

-- A unique column matches as such, and no longer when it is not.
CREATE UNIQUE INDEX one_name ON nurses (name);
\set query 'SELECT count(*) FROM stays s, nurses n WHERE s.filler = n.name AND s.kind = 7'
\set costs 'SELECT string_agg(round(cost::numeric, 4)::text, \',\' ORDER BY cost) FROM triage.what_if_costs(:\'query\', ARRAY[\'CREATE INDEX ON stays (kind)\'])'
:costs \gset unique_
DROP INDEX one_name;
:costs \gset plain_
\c -
:merging
:costs \gset plain_anew_
SELECT :'plain_string_agg' = :'plain_anew_string_agg' AS as_anew;

DROP TABLE stays, beds, nurses;
DROP EXTENSION pg_triage;

-- Texts of observed statements are read with the names of the sessions that ran them.
CREATE EXTENSION pg_triage CASCADE;
CREATE SCHEMA "Clinic B";
CREATE SCHEMA other;
-- The same name elsewhere is another table.
CREATE TABLE other.stays (id int PRIMARY KEY, ward int);
CREATE TABLE "Clinic B".stays (id int PRIMARY KEY, ward int, note text);
INSERT INTO "Clinic B".stays SELECT i, i % 5000, repeat('x', 100) FROM generate_series(1, 40000) i;
VACUUM ANALYZE "Clinic B".stays;
SELECT FROM triage.reset(), pg_stat_statements_reset();

SET search_path = "Clinic B";
SELECT count(note) FROM stays WHERE ward = 7;
SELECT count(note) FROM stays WHERE ward = 8;
SELECT count(note) FROM stays WHERE ward = 9;
SELECT count(note) FROM stays WHERE ward = 10;

SET search_path = other;
SELECT relation, regexp_replace(ddl, ' \S+ ON ', ' ON ') AS ddl FROM triage.recommend_indexes();
SHOW search_path;
SET search_path = pg_catalog, pg_temp;
SELECT relation, regexp_replace(ddl, ' \S+ ON ', ' ON ') AS ddl FROM triage.recommend_indexes();
RESET search_path;
SELECT relation, regexp_replace(ddl, ' \S+ ON ', ' ON ') AS ddl FROM triage.recommend_indexes();

SET client_min_messages = warning;
DROP SCHEMA "Clinic B", other CASCADE;
DROP EXTENSION pg_triage, pg_stat_statements;

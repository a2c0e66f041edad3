-- One result of a hundred is critical; nearly all of these have been acknowledged. Of the others many never were.
SELECT (500000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.14);
BEGIN;
TRUNCATE lab_results;
INSERT INTO lab_results
SELECT i, generator.patient(:patients), 'L' || (random() * random() * 300)::int, round((random() * 500)::numeric, 2),
       critical, resulted_at,
       CASE WHEN critical AND i > :rows * 0.98 AND random() < 0.9 THEN NULL
            WHEN critical OR random() < 0.7 THEN resulted_at + random() * interval '40 minutes' END
  FROM (SELECT i, generator.at(i, :rows) AS resulted_at, random() < 0.01 AS critical FROM generate_series(1, :rows) i) AS result;
SELECT setval(pg_get_serial_sequence('lab_results', 'lab_result_id'), :rows);
COMMIT;

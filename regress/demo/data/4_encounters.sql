-- One encounter of a hundred is still open. Most of those are recent; some are long stays, and some were never closed,
-- anywhere in the table.
SELECT (400000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.11);
BEGIN;
TRUNCATE encounters;
INSERT INTO encounters
SELECT i, generator.patient(:patients), 1 + trunc(random() * 200)::int,
       CASE WHEN open THEN 'open' ELSE 'closed' END,
       (ARRAY['chest pain', 'fracture', 'pneumonia', 'planned surgery', 'observation', 'delivery', 'stroke'])[1 + i % 7],
       admitted_at,
       CASE WHEN NOT open THEN least(admitted_at + random() * interval '9 days', now()) END
  FROM (SELECT i, generator.at(i, :rows) AS admitted_at,
               random() < 0.5 * exp((i - :rows)::float8 / (0.02 * :rows)) + 0.003 AS open
          FROM generate_series(1, :rows) i) AS encounter;
SELECT setval(pg_get_serial_sequence('encounters', 'encounter_id'), :rows);
COMMIT;

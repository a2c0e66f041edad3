SELECT (1100000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.12);
BEGIN;
TRUNCATE clinical_data;
INSERT INTO clinical_data
SELECT i, generator.patient(:patients), generator.at(i, :rows)::date,
       (ARRAY['observation', 'observation', 'observation', 'diagnosis', 'diagnosis', 'procedure', 'allergy', 'immunisation'])
           [1 + (random() * 7)::int],
       'C' || (random() * random() * 4000)::int,
       round((random() * 200)::numeric, 1),
       1 + (random() * 600)::int
  FROM generate_series(1, :rows) i;
SELECT setval(pg_get_serial_sequence('clinical_data', 'clinical_data_id'), :rows);
COMMIT;

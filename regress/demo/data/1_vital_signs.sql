SELECT (1800000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.13);
BEGIN;
TRUNCATE vital_signs;
INSERT INTO vital_signs
SELECT i, generator.patient(:patients), generator.at(i, :rows),
       (ARRAY['heart_rate', 'systolic', 'diastolic', 'spo2', 'temperature', 'respiration'])[1 + i % 6],
       35 + random() * 100
  FROM generate_series(1, :rows) i;
SELECT setval(pg_get_serial_sequence('vital_signs', 'vital_sign_id'), :rows);
COMMIT;

-- A queue in which nearly everything is done.
SELECT (200000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.17);
BEGIN;
TRUNCATE ai_inference;
INSERT INTO ai_inference
SELECT i, generator.patient(:patients), (ARRAY['sepsis-risk', 'readmission', 'triage-note', 'chest-xray'])[1 + i % 4],
       CASE WHEN waiting THEN 'queued' WHEN random() < 0.01 THEN 'failed' ELSE 'done' END,
       1 + (random() * random() * 9)::int, created_at,
       CASE WHEN NOT waiting THEN created_at + random() * interval '30 seconds' END,
       CASE WHEN NOT waiting THEN random() END
  FROM (SELECT i, generator.at(i, :rows) AS created_at, i > :rows * 0.998 AS waiting
          FROM generate_series(1, :rows) i) AS inference;
SELECT setval(pg_get_serial_sequence('ai_inference', 'inference_id'), :rows);
COMMIT;

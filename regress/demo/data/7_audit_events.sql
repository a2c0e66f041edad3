SELECT (400000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.18);
BEGIN;
TRUNCATE audit_events;
INSERT INTO audit_events
SELECT i, generator.at(i, :rows), 1 + (random() * 600)::int,
       (ARRAY['read', 'read', 'read', 'write', 'print', 'login'])[1 + (random() * 5)::int], generator.patient(:patients)
  FROM generate_series(1, :rows) i;
SELECT setval(pg_get_serial_sequence('audit_events', 'event_id'), :rows);
COMMIT;

-- Orders that wait for the pharmacy are the newest ones.
SELECT (350000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.15);
BEGIN;
TRUNCATE medication_orders;
INSERT INTO medication_orders
SELECT i, generator.patient(:patients),
       (ARRAY['paracetamol', 'ibuprofen', 'amoxicillin', 'metformin', 'heparin', 'insulin', 'morphine', 'ramipril',
              'simvastatin', 'omeprazole'])[1 + (random() * random() * 9)::int],
       (1 + (random() * 39)::int) * 25,
       CASE WHEN i > :rows * 0.996 AND random() < 0.9 THEN 'pending'
            WHEN i > :rows * 0.95 AND random() < 0.8 THEN 'active'
            WHEN random() < 0.03 THEN 'cancelled' ELSE 'completed' END,
       generator.at(i, :rows), 1 + (random() * 600)::int
  FROM generate_series(1, :rows) i;
SELECT setval(pg_get_serial_sequence('medication_orders', 'order_id'), :rows);
COMMIT;

-- workflow: medication ordered, an older order done; kind: write; weight: 2
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
\set waiting int(1300 * :scale)
INSERT INTO medication_orders (patient_id, drug, dose_mg, ordered_by) VALUES (:patient_id, 'ibuprofen', 400, 7)
RETURNING order_id \gset
\set older :order_id - :waiting
UPDATE medication_orders SET status = 'completed' WHERE order_id = :older;

-- workflow: lab result arrives, an older one acknowledged; kind: write; weight: 3
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
\set value random(1, 500)
\set waiting int(9000 * :scale)
INSERT INTO lab_results (patient_id, test_code, value, critical) VALUES (:patient_id, 'L17', :value, :value > 495)
RETURNING lab_result_id \gset
\set older :lab_result_id - :waiting
UPDATE lab_results SET acknowledged_at = now() WHERE lab_result_id = :older;

-- workflow: latest vitals of a patient; kind: read; weight: 6
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
SELECT recorded_at, kind, value FROM vital_signs WHERE patient_id = :patient_id ORDER BY recorded_at DESC LIMIT 6;

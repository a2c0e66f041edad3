-- workflow: vitals arrive; kind: write; weight: 6
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
\set value random(40, 140)
BEGIN;
INSERT INTO vital_signs (patient_id, kind, value) VALUES (:patient_id, 'heart_rate', :value);
INSERT INTO vital_signs (patient_id, kind, value) VALUES (:patient_id, 'systolic', :value + 20);
INSERT INTO audit_events (actor_id, action, patient_id) VALUES (0, 'write', :patient_id);
COMMIT;

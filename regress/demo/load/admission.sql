-- workflow: admission, an older encounter closed; kind: write; weight: 1
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
\set ward_id random(1, 200)
\set staying int(3500 * :scale)
INSERT INTO encounters (patient_id, ward_id, reason) VALUES (:patient_id, :ward_id, 'observation')
RETURNING encounter_id \gset
\set older :encounter_id - :staying
UPDATE encounters SET status = 'closed', discharged_at = now() WHERE encounter_id = :older;

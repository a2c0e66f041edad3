-- workflow: search in a patient's notes; kind: read; weight: 2
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
SELECT note_id, written_at, body FROM clinical_notes
 WHERE patient_id = :patient_id AND body ILIKE '%sepsis%' ORDER BY written_at DESC LIMIT 10;

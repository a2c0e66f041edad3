-- workflow: clinical timeline of a patient; kind: read; weight: 5
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
SELECT encounter_date, kind, code, value FROM clinical_data
 WHERE patient_id = :patient_id AND encounter_date >= current_date - 365 ORDER BY encounter_date;

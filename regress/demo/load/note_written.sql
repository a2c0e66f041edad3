-- workflow: note written, an older one signed; kind: write; weight: 2
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
\set author_id random(1, 600)
\set unsigned int(1900 * :scale)
INSERT INTO clinical_notes (patient_id, author_id, body)
VALUES (:patient_id, :author_id, 'Patient seen on the evening round, stable, plan unchanged.')
RETURNING note_id \gset
\set older :note_id - :unsigned
UPDATE clinical_notes SET signed = true WHERE note_id = :older;

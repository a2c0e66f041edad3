-- workflow: unsigned notes of an author; kind: read; weight: 4
\set author_id random(1, 600)
SELECT note_id, patient_id, written_at FROM clinical_notes
 WHERE author_id = :author_id AND NOT signed ORDER BY written_at;

-- workflow: AI inference requested; kind: write; weight: 4
\set patients int(300000 * :scale)
\set hot random_exponential(0, :patients - 1, 5)
\set patient_id 1 + (:hot * 7919) % :patients
\set priority random(1, 10)
INSERT INTO ai_inference (patient_id, model, priority) VALUES (:patient_id, 'sepsis-risk', :priority);

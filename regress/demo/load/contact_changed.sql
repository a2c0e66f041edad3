-- workflow: contact data changed; kind: write; weight: 1
\set patients int(300000 * :scale)
\set patient_id random(1, :patients)
\set phone 1000000 + random(0, 8999999)
UPDATE patient_records SET phone = :'phone', updated_at = now() WHERE patient_id = :patient_id;

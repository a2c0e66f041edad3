-- workflow: open encounters of a ward; kind: read; weight: 5
\set ward_id random(1, 200)
SELECT e.encounter_id, p.mrn, p.family_name, p.given_name, e.reason, e.admitted_at
  FROM encounters e JOIN patient_records p ON p.patient_id = e.patient_id
 WHERE e.ward_id = :ward_id AND e.status = 'open' ORDER BY e.admitted_at;

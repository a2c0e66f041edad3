-- workflow: patient lookup by MRN; kind: read; weight: 6
\set patients int(300000 * :scale)
\set tens random_exponential(0, :patients / 10 - 1, 5)
\set patient_id :tens * 10 + random(0, 2)
\set mrn 10000000 + (:patient_id * 7919) % 9999991
SELECT patient_id, mrn, family_name, given_name, birth_date, sex, phone FROM patient_records WHERE mrn = :'mrn' AND active;

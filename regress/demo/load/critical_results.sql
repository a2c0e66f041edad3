-- workflow: unacknowledged critical results; kind: read; weight: 4
SELECT lab_result_id, patient_id, test_code, value, resulted_at FROM lab_results
 WHERE critical AND acknowledged_at IS NULL ORDER BY resulted_at LIMIT 50;

-- workflow: pending medication orders; kind: read; weight: 4
SELECT order_id, patient_id, drug, dose_mg, ordered_at FROM medication_orders
 WHERE status = 'pending' ORDER BY ordered_at LIMIT 50;

-- workflow: AI worker takes from its queue; kind: read; weight: 8
\set inference_id 0
BEGIN;
SELECT inference_id FROM ai_inference WHERE status = 'queued'
 ORDER BY priority DESC, created_at LIMIT 1 FOR UPDATE SKIP LOCKED \aset
UPDATE ai_inference SET status = 'done', finished_at = now(), score = 0.5 WHERE inference_id = :inference_id;
COMMIT;

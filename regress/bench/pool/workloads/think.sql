\set id random(1, 200000)
BEGIN;
SELECT value FROM items WHERE id = :id;
\sleep 3 ms
UPDATE items SET value = value + 1 WHERE id = :id;
COMMIT;

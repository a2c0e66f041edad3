\set id random(1, 200000)
BEGIN;
SELECT value FROM items WHERE id = :id;
\sleep 25 ms
SELECT value FROM items WHERE id = :id;
COMMIT;

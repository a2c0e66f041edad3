\set id random(1, 3)
\set grp random(1, 100)
BEGIN;
UPDATE counters SET n = n + 1 WHERE id = :id;
SELECT sum(value) FROM items WHERE grp = :grp;
COMMIT;

\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\set id random(1, 200000)
SELECT value FROM items WHERE id = :id;
\sleep 20 ms

\set grp random(1, 100)
SELECT sum(value * id) FROM items WHERE grp = :grp;

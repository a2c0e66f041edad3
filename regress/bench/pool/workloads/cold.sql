\set seed random(1, 1000000000)
SELECT sum(c.v) FROM generate_series(1, 20) g JOIN cold c ON c.id = 1 + abs(hashint8(g * 7919::bigint + :seed)::bigint) % 1000000;

-- Three records of ten are active. Of the others some are former records of a patient who has an active one.
SELECT (300000 * :scale)::bigint AS rows \gset
BEGIN;
TRUNCATE patient_records;
INSERT INTO patient_records
SELECT i,
       10000000 + ((CASE WHEN i % 10 BETWEEN 3 AND 5 THEN i - 3 ELSE i END) * 7919) % 9999991,
       i % 10 < 3,
       (ARRAY['Adler', 'Berg', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Haas', 'Ivanov', 'Jensen', 'Kim', 'Lopez',
              'Meyer', 'Novak', 'Okafor', 'Petrov', 'Quinn', 'Rossi', 'Sato', 'Tanaka', 'Ueda', 'Vogel', 'Weber'])[1 + i % 23],
       (ARRAY['Ada', 'Ben', 'Clara', 'David', 'Elif', 'Felix', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Kaya', 'Leo', 'Mia',
              'Noah', 'Olga', 'Paul', 'Rosa', 'Sami', 'Tara'])[1 + i % 19],
       date '1930-01-01' + (i * 7919 % 33000)::int,
       (CASE WHEN i % 2 = 0 THEN 'f' ELSE 'm' END)::"char",
       '+00 555 ' || lpad((i * 104729 % 10000000)::text, 7, '0'),
       (1 + i % 199) || ' Example Street, District ' || (1 + i % 47),
       generator.at(i, :rows)
  FROM generate_series(1, :rows::bigint) i;
SELECT setval(pg_get_serial_sequence('patient_records', 'patient_id'), :rows);
COMMIT;

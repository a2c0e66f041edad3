-- Some 600 authors; most notes are signed within days, a few never.
SELECT (150000 * :scale)::bigint AS rows, (300000 * :scale)::bigint AS patients \gset
SELECT setseed(0.16);
BEGIN;
TRUNCATE clinical_notes;
INSERT INTO clinical_notes
SELECT i, generator.patient(:patients), 1 + (random() * random() * 600)::int,
       random() > CASE WHEN i > :rows * 0.985 THEN 0.8 ELSE 0.002 END,
       generator.at(i, :rows),
       phrase[1 + (random() * 11)::int] || ' ' || phrase[1 + (random() * 11)::int] || ' ' || phrase[1 + (random() * 11)::int]
           || ' ' || phrase[1 + (random() * 11)::int] || ' ' || phrase[1 + (random() * 11)::int]
  FROM generate_series(1, :rows) i,
       (SELECT ARRAY['Patient seen on the morning round, no new complaints, mobilises with help.',
                     'Pain controlled under the present medication, no side effects reported.',
                     'Temperature normal since yesterday, blood cultures without growth so far.',
                     'Chest clear on both sides, saturation stable without oxygen.',
                     'Wound dry, sutures to be removed in a week, dressing changed today.',
                     'Suspicion of sepsis, lactate requested, antibiotics started, senior informed.',
                     'Discussed with the family; they agree with the plan as it stands.',
                     'Blood pressure still above the target, dose increased from tomorrow on.',
                     'Discharge planned for the end of the week if mobilisation goes on well.',
                     'Consultation of cardiology requested because of new arrhythmia at night.',
                     'Diet tolerated, weight stable, glucose within the agreed limits.',
                     'Fall without injury during the night, neurological examination normal.'] AS phrase) AS text;
SELECT setval(pg_get_serial_sequence('clinical_notes', 'note_id'), :rows);
COMMIT;

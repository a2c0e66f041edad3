-- The table of the benchmark, and the indexes whose sizes are predicted: one a line, after the marker.
-- A hospital's observations: what has few values, what has many, what is skewed, wide, or mostly NULL.
CREATE UNLOGGED TABLE observations AS
SELECT g::bigint AS id,
       'MRN' || lpad(g::text, 9, '0') AS mrn,
       md5(g::text)::uuid AS uid,
       (random() * 49999)::int AS patient_id,                     -- 50,000 values
       (random() * 9999)::int AS device_id,                       -- 10,000 values
       (g / 100)::int AS encounter_id,                            -- 20,000 values, in the table's order
       floor(500000 * random() ^ 3)::bigint AS account_id,        -- skewed, a long tail
       (random() * 2000000)::int AS order_id,                     -- most values once or twice
       timestamptz '2024-01-01' + g * interval '30 seconds' + random() * interval '2 hours' AS recorded_at,
       date '2021-01-01' + (random() * 1500)::int AS day,
       (ARRAY['final', 'preliminary', 'amended', 'cancelled', 'entered in error'])
           [1 + floor(5 * random() ^ 6)::int] AS status,          -- skewed text, few values
       (random() * 3)::smallint AS priority,
       random() < 0.95 AS active,
       'staff' || (random() * 1999)::int || '@cardiology.hospital.example' AS email,
       initcap(substr(md5((floor(300000 * random() ^ 2))::text), 1, 4 + (g % 5)::int)) || ' '
           || initcap(substr(md5((random() * 3000)::int::text), 1, 3 + (g % 9)::int)) AS name,
       (ARRAY['I', 'E', 'J', 'Z', 'M'])[1 + floor(5 * random() ^ 2)::int]
           || lpad(floor(900 * random() ^ 3)::text, 2, '0') || '.' || floor(10 * random())::int AS code,
       CASE WHEN random() < 0.7 THEN repeat(md5(random()::text) || ' ', 1 + (random() * 6)::int) END AS note,
       round((random() * 400)::numeric, 1) AS value,
       random() * 100 AS score,
       (random() * 250)::real AS rate,
       CASE WHEN random() < 0.2 THEN timestamptz '2024-01-01' + random() * interval '700 days' END AS acked_at,
       CASE WHEN random() < 0.6 THEN date '2021-01-01' + (random() * 1500)::int END AS discharged_on,
       CASE WHEN random() < 0.01 THEN (random() * 30000)::int END AS referrer_id,
       zip,
       'Town of ' || zip / 3 AS town,                             -- hang on the zip code
       (ARRAY['north', 'east', 'south', 'west'])[1 + zip % 4] AS region,
       jsonb_build_object('kind', (ARRAY['lab', 'vital', 'image'])[1 + floor(3 * random() ^ 2)::int],
                          'device', 'dev-' || (random() * 4000)::int) AS document
  FROM (SELECT g, (random() * 4999)::int AS zip FROM generate_series(1, :rows) g) generated;
-- definitions
(id)
UNIQUE (id)
UNIQUE (mrn)
(mrn)
(uid)
(recorded_at)
(recorded_at DESC) WITH (fillfactor = 70)
(score)
(patient_id)
(device_id)
(encounter_id)
(account_id)
(order_id)
(zip)
(day)
(priority)
(active)
(status)
(email)
(name)
(code)
(town)
(note)
(value)
(rate)
(acked_at)
(discharged_on)
(referrer_id)
(patient_id) WITH (fillfactor = 60)
(device_id) WITH (deduplicate_items = off)
(email) WITH (fillfactor = 100)
(patient_id, recorded_at DESC)
(patient_id, day)
(patient_id, status)
(encounter_id, recorded_at)
(status, recorded_at)
(status, priority)
(status, day)
(device_id, day)
(zip, town)
(town, region)
(email, status)
(code, patient_id)
(name, day)
(priority, active, id)
(active, status, priority)
(acked_at, patient_id)
(discharged_on, referrer_id)
(region, town, zip)
(note, id)
(patient_id) WHERE active
(patient_id) WHERE NOT active
(recorded_at) WHERE acked_at IS NULL
(acked_at) WHERE acked_at IS NOT NULL
(patient_id, recorded_at) WHERE status = 'preliminary'
(device_id) WHERE status IN ('amended', 'cancelled')
(mrn) WHERE priority = 3
(referrer_id) WHERE referrer_id IS NOT NULL
(day) WHERE day >= '2024-06-01'
(email) WHERE status <> 'final'
(zip) WHERE region = 'north'
(town) WHERE zip < 500
(code) WHERE active AND status = 'final'
(patient_id) INCLUDE (status)
(patient_id) INCLUDE (recorded_at, value)
(encounter_id) INCLUDE (note)
UNIQUE (id) INCLUDE (active)
(email) INCLUDE (priority)
(lower(email))
(lower(name))
(upper(status))
((value::int))
(((recorded_at AT TIME ZONE 'UTC')::date))
(substr(mrn, 1, 8))
(left(note, 10))
((patient_id % 100))
((document ->> 'kind'))
((document ->> 'device'))
(abs(account_id - 250000))
(coalesce(acked_at, recorded_at))
(lower(name), patient_id)
(lower(email)) WHERE active
((document ->> 'kind'), recorded_at DESC)

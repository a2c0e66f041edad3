# A ward's day: look-ups of one patient, lists of what is open, and a steady stream of small writes.
use strict;
use warnings;

{
	title  => 'clinical OLTP',
	schema => <<'SQL',
SELECT setseed(0.1);
CREATE TABLE patients (id int PRIMARY KEY, mrn text NOT NULL, last_name text, first_name text, birth_date date, active boolean, ward_id int, note text);
INSERT INTO patients SELECT g, 'MRN' || lpad(g::text, 7, '0'), 'Name' || floor(power(random(), 2) * 8000), 'Given' || floor(random() * 900), date '1930-01-01' + floor(random() * 32000)::int, random() < 0.3, floor(random() * 40), repeat('n', 60) FROM generate_series(1, 60000) g;
CREATE TABLE encounters (id int PRIMARY KEY, patient_id int, staff_id int, ward_id int, kind text, admitted_at timestamp, discharged_at timestamp, signed_at timestamp, summary text);
INSERT INTO encounters SELECT g, 1 + floor(random() * 60000), 1 + floor(random() * 300), floor(random() * 40), (ARRAY['inpatient', 'outpatient', 'emergency', 'day case'])[1 + floor(random() * 4)], at, CASE WHEN random() < 0.985 THEN at + random() * interval '9 days' END, CASE WHEN random() < 0.98 THEN at + interval '1 day' END, repeat('s', 80) FROM (SELECT g, timestamp '2024-01-01' + g * interval '6 min' AS at FROM generate_series(1, 120000) g) x;
CREATE TABLE vital_signs (id int PRIMARY KEY, patient_id int, encounter_id int, kind text, value real, device_id int, recorded_at timestamp);
INSERT INTO vital_signs SELECT g, 1 + floor(random() * 60000), 1 + floor(random() * 120000), (ARRAY['pulse', 'bp', 'temp', 'spo2', 'resp', 'pain', 'weight', 'glucose'])[1 + floor(power(random(), 2) * 8)], random() * 200, floor(random() * 900), timestamp '2024-01-01' + g * interval '90 s' FROM generate_series(1, 400000) g;
CREATE TABLE orders (id int PRIMARY KEY, order_number text, patient_id int, ward_id int, kind text, status text, priority int, ordered_at timestamp);
INSERT INTO orders SELECT g, 'ORD' || (g * 7919::bigint % 1000003), 1 + floor(random() * 60000), floor(random() * 40), (ARRAY['lab', 'imaging', 'drug', 'diet', 'consult'])[1 + floor(random() * 5)], CASE WHEN random() < 0.97 THEN 'done' WHEN random() < 0.7 THEN 'open' ELSE 'cancelled' END, 1 + floor(power(random(), 3) * 5), timestamp '2024-01-01' + g * interval '5 min' FROM generate_series(1, 120000) g;
CREATE TABLE appointments (id int PRIMARY KEY, staff_id int, patient_id int, day date, starts_at time, status text, room int);
INSERT INTO appointments SELECT g, 1 + floor(random() * 300), 1 + floor(random() * 60000), date '2024-01-01' + g / 200, time '07:00' + floor(random() * 44) * interval '15 min', (ARRAY['booked', 'arrived', 'done', 'missed'])[1 + floor(random() * 4)], floor(random() * 80) FROM generate_series(1, 100000) g;
CREATE TABLE staff (id int PRIMARY KEY, name text, ward_id int);
INSERT INTO staff SELECT g, 'Staff' || g, g % 40 FROM generate_series(1, 300) g;
SQL
	values => {
		patient => sub { 1 + int rand 60000 },
		mrn     => sub { sprintf "'MRN%07d'", 1 + int rand 60000 },
		name    => sub { sprintf "'name%d'", int(rand()**2 * 8000) },
		born    => sub { sprintf "'%d-%02d-%02d'", 1930 + int rand 85, 1 + int rand 12, 1 + int rand 28 },
		ward    => sub { int rand 40 },
		staff   => sub { 1 + int rand 300 },
		kind    => sub { (map { "'$_'" } qw(pulse bp temp spo2 resp pain weight glucose))[int(rand()**2 * 8)] },
		order   => sub { sprintf "'ORD%d'", (1 + int rand 120000) * 7919 % 1000003 },
		id      => sub { 1 + int rand 100000 },
		day     => sub { sprintf "'2024-%02d-%02d'", 1 + int rand 12, 1 + int rand 28 },
		hour    => sub { sprintf "'2025-01-%02d %02d:00'", 1 + int rand 28, int rand 24 },
		value   => sub { sprintf '%.1f', rand 200 },
		new     => do { my $n = 10_000_000; sub { $n++ } },
	},
	statements => [
		{ name => 'patient by MRN',          calls => 120, sql => 'SELECT * FROM patients WHERE mrn = {mrn} AND active' },
		{ name => 'patient by name',         calls => 30,  sql => 'SELECT id, mrn, first_name, birth_date FROM patients WHERE lower(last_name) = {name} AND birth_date = {born}' },
		{ name => 'encounters of a patient', calls => 80,  sql => 'SELECT * FROM encounters WHERE patient_id = {patient} ORDER BY admitted_at DESC LIMIT 10' },
		{ name => 'latest vitals',           calls => 120, sql => 'SELECT kind, value, recorded_at FROM vital_signs WHERE patient_id = {patient} ORDER BY recorded_at DESC LIMIT 20' },
		{ name => 'one vital over time',     calls => 60,  sql => 'SELECT recorded_at, value FROM vital_signs WHERE patient_id = {patient} AND kind = {kind} AND recorded_at > {hour}::timestamp - interval \'90 days\' ORDER BY recorded_at' },
		{ name => 'open orders of a ward',   calls => 50,  sql => q(SELECT id, patient_id, kind, priority FROM orders WHERE status = 'open' AND ward_id = {ward} ORDER BY priority DESC, ordered_at) },
		{ name => 'order by number',         calls => 40,  sql => 'SELECT * FROM orders WHERE order_number = {order}' },
		{ name => 'a doctor\'s day',         calls => 60,  sql => 'SELECT a.starts_at, a.room, p.last_name FROM appointments a JOIN patients p ON p.id = a.patient_id WHERE a.staff_id = {staff} AND a.day = {day} ORDER BY a.starts_at' },
		{ name => 'unsigned notes',          calls => 40,  sql => 'SELECT id, patient_id, admitted_at FROM encounters WHERE signed_at IS NULL AND staff_id = {staff}' },
		{ name => 'who is on the ward',      calls => 40,  sql => 'SELECT p.mrn, p.last_name, e.admitted_at FROM encounters e JOIN patients p ON p.id = e.patient_id WHERE e.ward_id = {ward} AND e.discharged_at IS NULL ORDER BY e.admitted_at' },
		{ name => 'last device readings',    calls => 20,  sql => 'SELECT count(*), avg(value) FROM vital_signs WHERE recorded_at >= {hour} AND recorded_at < {hour}::timestamp + interval \'1 hour\'' },
		{ name => 'close an order',          calls => 60,  sql => q(UPDATE orders SET status = 'done' WHERE order_number = {order}) },
		{ name => 'arrive',                  calls => 60,  sql => q(UPDATE appointments SET status = 'arrived' WHERE id = {id}) },
		{ name => 'record a vital',          calls => 300, sql => 'INSERT INTO vital_signs VALUES ({new}, {patient}, {id}, {kind}, {value}, {ward}, {hour})' },
		{ name => 'order',                   calls => 80,  sql => q(INSERT INTO orders VALUES ({new}, {order}, {patient}, {ward}, 'lab', 'open', 1, {hour})) },
	],
	small => {
		'one table' => [ 'latest vitals', 'one vital over time', 'last device readings' ],
		'with partial indexes' => [ 'patient by MRN', 'open orders of a ward', 'unsigned notes' ],
		'with joins' => [ 'a doctor\'s day', 'who is on the ward', 'encounters of a patient' ],
	},
}

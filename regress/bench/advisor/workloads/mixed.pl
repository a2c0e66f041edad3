# A pharmacy: prepared statements of an application (generic plans after the fifth), and reports beside them.
use strict;
use warnings;

{
	title    => 'mixed, prepared',
	prepared => 1,
	schema   => <<'SQL',
SELECT setseed(0.3);
CREATE TABLE drugs (id int PRIMARY KEY, code text, name text, class text, controlled boolean);
INSERT INTO drugs SELECT g, 'RX' || lpad(g::text, 5, '0'), 'Drug ' || g, 'Class ' || g % 80, random() < 0.05 FROM generate_series(0, 2999) g;
CREATE TABLE prescriptions (id int PRIMARY KEY, patient_id int, prescriber_id int, drug_id int, status text, priority int, prescribed_at timestamp, expires_on date, note text);
INSERT INTO prescriptions SELECT g, 1 + floor(random() * 50000), floor(power(random(), 2) * 400), floor(power(random(), 2) * 3000), CASE WHEN random() < 0.92 THEN 'dispensed' WHEN random() < 0.4 THEN 'pending' WHEN random() < 0.7 THEN 'expired' ELSE 'cancelled' END, 1 + floor(power(random(), 3) * 4), timestamp '2023-01-01' + g * interval '5 min', date '2023-02-01' + g / 250 + floor(random() * 90)::int, repeat('p', 40) FROM generate_series(1, 200000) g;
CREATE TABLE dispenses (id int PRIMARY KEY, prescription_id int, drug_id int, lot text, quantity int, pharmacist_id int, dispensed_at timestamp);
INSERT INTO dispenses SELECT g, 1 + floor(random() * 200000), floor(power(random(), 2) * 3000), 'L' || floor(random() * 9000), 1 + floor(random() * 60), floor(random() * 45), timestamp '2023-01-01' + g * interval '4 min' FROM generate_series(1, 250000) g;
CREATE TABLE stock (drug_id int, location_id int, quantity int, reorder_at int, counted_at timestamp, PRIMARY KEY (drug_id, location_id));
INSERT INTO stock SELECT g % 3000, g / 3000, floor(random() * 500), 10 + floor(random() * 20), timestamp '2024-01-01' + g * interval '1 min' FROM generate_series(0, 59999) g;
CREATE TABLE allergies (id int PRIMARY KEY, patient_id int, class text, severity text, confirmed boolean);
INSERT INTO allergies SELECT g, 1 + floor(random() * 50000), 'Class ' || floor(random() * 80), (ARRAY['mild', 'moderate', 'severe'])[1 + floor(random() * 3)], random() < 0.7 FROM generate_series(1, 60000) g;
SQL
	values => {
		patient    => sub { 1 + int rand 50000 },
		prescriber => sub { int(rand()**2 * 400) },
		drug       => sub { int(rand()**2 * 3000) },
		code       => sub { sprintf "'RX%05d'", int rand 3000 },
		class      => sub { sprintf "'Class %d'", int rand 80 },
		lot        => sub { sprintf "'L%d'", int rand 9000 },
		location   => sub { int rand 20 },
		status     => sub { rand() < 0.8 ? "'pending'" : "'expired'" },
		day        => sub { sprintf "'2023-%02d-%02d'", 1 + int rand 12, 1 + int rand 28 },
		id         => sub { 1 + int rand 200000 },
		few        => sub { 1 + int rand 9 },
		new        => do { my $n = 10_000_000; sub { $n++ } },
	},
	statements => [
		{ name => 'prescriptions of a patient', calls => 100, sql => 'SELECT * FROM prescriptions WHERE patient_id = {patient} ORDER BY prescribed_at DESC LIMIT 20' },
		{ name => 'work list',                  calls => 40,  sql => q(SELECT id, patient_id, drug_id, prescribed_at FROM prescriptions WHERE status = 'pending' ORDER BY priority DESC, prescribed_at LIMIT 25) },
		{ name => 'by status and prescriber',   calls => 30,  sql => 'SELECT id, drug_id, expires_on FROM prescriptions WHERE status = {status} AND prescriber_id = {prescriber}' },
		{ name => 'about to expire',            calls => 20,  sql => q(SELECT id, patient_id FROM prescriptions WHERE status = 'pending' AND expires_on < {day}::date + 7 AND expires_on >= {day}) },
		{ name => 'drug by code',               calls => 100, sql => 'SELECT id, name, class FROM drugs WHERE code = {code}' },
		{ name => 'allergies',                  calls => 100, sql => 'SELECT class, severity FROM allergies WHERE patient_id = {patient} AND confirmed' },
		{ name => 'interaction check',          calls => 60,  sql => q(SELECT d.name FROM prescriptions p JOIN drugs d ON d.id = p.drug_id WHERE p.patient_id = {patient} AND p.status IN ('pending', 'dispensed') AND d.class = {class}) },
		{ name => 'dispenses of a prescription', calls => 80, sql => 'SELECT quantity, dispensed_at FROM dispenses WHERE prescription_id = {id} ORDER BY dispensed_at' },
		{ name => 'recall of a lot',            calls => 8,   sql => q(SELECT DISTINCT p.patient_id FROM dispenses d JOIN prescriptions p ON p.id = d.prescription_id WHERE d.lot = {lot}) },
		{ name => 'reorder list',               calls => 20,  sql => 'SELECT s.drug_id, d.name, s.quantity FROM stock s JOIN drugs d ON d.id = s.drug_id WHERE s.location_id = {location} AND s.quantity < s.reorder_at' },
		{ name => 'usage report',               calls => 6,   sql => q(SELECT drug_id, sum(quantity) FROM dispenses WHERE dispensed_at >= {day} AND dispensed_at < {day}::date + 30 GROUP BY drug_id ORDER BY 2 DESC LIMIT 20) },
		{ name => 'prescriber report',          calls => 6,   sql => q(SELECT prescriber_id, count(*) FROM prescriptions WHERE prescribed_at >= {day} AND prescribed_at < {day}::date + 30 AND drug_id = {drug} GROUP BY prescriber_id) },
		{ name => 'controlled drugs',           calls => 6,   sql => q(SELECT x.pharmacist_id, count(*) FROM dispenses x JOIN drugs d ON d.id = x.drug_id WHERE d.controlled AND x.dispensed_at >= {day} AND x.dispensed_at < {day}::date + 7 GROUP BY x.pharmacist_id) },
		{ name => 'prescribe',                  calls => 150, sql => q(INSERT INTO prescriptions VALUES ({new}, {patient}, {prescriber}, {drug}, 'pending', 1, '2025-01-01', '2025-03-01', 'new')) },
		{ name => 'dispense',                   calls => 150, sql => q(INSERT INTO dispenses VALUES ({new}, {id}, {drug}, {lot}, {few}, 1, '2025-01-01')) },
		{ name => 'mark as dispensed',          calls => 120, sql => q(UPDATE prescriptions SET status = 'dispensed' WHERE id = {id}) },
		{ name => 'take from stock',            calls => 120, sql => 'UPDATE stock SET quantity = quantity - {few} WHERE drug_id = {drug} AND location_id = {location}' },
	],
	small => {
		'prepared look-ups' => [ 'prescriptions of a patient', 'allergies', 'dispenses of a prescription' ],
		'prepared lists' => [ 'work list', 'by status and prescriber', 'about to expire' ],
	},
}

# A data warehouse: one table of facts and fourteen of dimensions around it.
use strict;
use warnings;

my %dimension = (
	days       => [ 1460,  q(date '2021-01-01' + g AS day, 2021 + g / 365 AS year, 1 + g % 365 / 31 AS month, g % 7 AS weekday) ],
	slots      => [ 96,    q(g / 4 AS hour, CASE WHEN g / 4 BETWEEN 7 AND 18 THEN 'day' ELSE 'night' END AS shift) ],
	patients   => [ 40000, q(CASE WHEN g % 2 = 0 THEN 'f' ELSE 'm' END AS sex, 1920 + g % 100 AS born, 'region ' || g % 90 AS region) ],
	providers  => [ 2000,  q('specialty ' || g % 60 AS specialty, g % 300 AS department) ],
	facilities => [ 60,    q('city ' || g % 25 AS city, 1 + g % 3 AS level) ],
	wards      => [ 400,   q('kind ' || g % 12 AS kind, g % 60 AS facility) ],
	payers     => [ 80,    q('type ' || g % 5 AS type) ],
	diagnoses  => [ 2000,  q('chapter ' || g % 22 AS chapter, 'I' || lpad(g::text, 4, '0') AS code) ],
	procedures => [ 1500,  q('group ' || g % 40 AS family, 'P' || lpad(g::text, 4, '0') AS code) ],
	drugs      => [ 1000,  q('atc ' || g % 14 AS atc, g % 20 = 0 AS controlled) ],
	devices    => [ 500,   q('vendor ' || g % 15 AS vendor) ],
	groups     => [ 300,   q((random() * 9)::numeric(4, 2) AS weight) ],
	channels   => [ 10,    q('channel ' || g AS name) ],
	places     => [ 3000,  q('county ' || g % 200 AS county) ]);
my %rows = map { $_ => $dimension{$_}[0] } keys %dimension;
my $key = sub { my $name = shift; $name =~ s/oses$/osis/ or $name =~ s/ies$/y/ or $name =~ s/s$//; return $name };

{
	title  => 'star schema',
	schema => join(";\n", 'SELECT setseed(0.5)',
		(map { "CREATE TABLE $_ AS SELECT g AS id, $dimension{$_}[1] FROM generate_series(0, $rows{$_} - 1) g;\nALTER TABLE $_ ADD PRIMARY KEY (id)" } sort keys %dimension),
		'CREATE TABLE events (id int PRIMARY KEY, ' . join(', ', map { $key->($_) . '_id int' } sort keys %dimension) . ', minutes int, amount numeric(10, 2), cancelled boolean)',
		'INSERT INTO events SELECT g, '
		  . join(', ', map { $_ eq 'days' ? 'g / 240' : "floor(power(random(), 2) * $rows{$_})" } sort keys %dimension)
		  . ', floor(random() * 200), round((random() * 2000)::numeric, 2), random() < 0.02 FROM generate_series(1, 350000) g') . ";\n",
	values => {
		day       => sub { sprintf "'%d-%02d-%02d'", 2021 + int rand 3, 1 + int rand 12, 1 + int rand 28 },
		year      => sub { 2021 + int rand 4 },
		month     => sub { 1 + int rand 12 },
		patient   => sub { int(rand()**2 * 40000) },
		provider  => sub { int(rand()**2 * 2000) },
		specialty => sub { sprintf "'specialty %d'", int rand 60 },
		region    => sub { sprintf "'region %d'", int rand 90 },
		city      => sub { sprintf "'city %d'", int rand 25 },
		chapter   => sub { sprintf "'chapter %d'", int rand 22 },
		code      => sub { sprintf "'I%04d'", int rand 2000 },
		procedure => sub { sprintf "'P%04d'", int rand 1500 },
		type      => sub { sprintf "'type %d'", int rand 5 },
		county    => sub { sprintf "'county %d'", int rand 200 },
		vendor    => sub { sprintf "'vendor %d'", int rand 15 },
	},
	statements => [
		{ name => 'a diagnosis over a year',  calls => 20, sql => q(SELECT d.month, count(*), sum(e.amount) FROM events e JOIN days d ON d.id = e.day_id JOIN diagnoses x ON x.id = e.diagnosis_id WHERE x.code = {code} AND d.year = {year} GROUP BY d.month) },
		{ name => 'a month of a city',        calls => 12, sql => q(SELECT f.id, sum(e.minutes) FROM events e JOIN days d ON d.id = e.day_id JOIN facilities f ON f.id = e.facility_id WHERE d.year = {year} AND d.month = {month} AND f.city = {city} GROUP BY f.id) },
		{ name => 'one patient',              calls => 60, sql => q(SELECT d.day, x.code, p.code, e.amount FROM events e JOIN days d ON d.id = e.day_id JOIN diagnoses x ON x.id = e.diagnosis_id JOIN procedures p ON p.id = e.procedure_id WHERE e.patient_id = {patient} ORDER BY d.day) },
		{ name => 'a provider\'s case mix',   calls => 25, sql => q(SELECT g.weight, count(*) FROM events e JOIN groups g ON g.id = e.group_id JOIN days d ON d.id = e.day_id WHERE e.provider_id = {provider} AND d.year = {year} GROUP BY g.weight) },
		{ name => 'a procedure by payer',     calls => 15, sql => q(SELECT y.type, avg(e.amount) FROM events e JOIN procedures p ON p.id = e.procedure_id JOIN payers y ON y.id = e.payer_id WHERE p.code = {procedure} GROUP BY y.type) },
		{ name => 'cancelled of a specialty', calls => 12, sql => q(SELECT v.id, count(*) FROM events e JOIN providers v ON v.id = e.provider_id WHERE e.cancelled AND v.specialty = {specialty} GROUP BY v.id) },
		{ name => 'a day by shift',           calls => 20, sql => q(SELECT s.shift, w.kind, count(*) FROM events e JOIN slots s ON s.id = e.slot_id JOIN wards w ON w.id = e.ward_id JOIN days d ON d.id = e.day_id WHERE d.day = {day} GROUP BY s.shift, w.kind) },
		{ name => 'a region\'s elderly',      calls => 8,  sql => q(SELECT x.chapter, count(*) FROM events e JOIN patients p ON p.id = e.patient_id JOIN diagnoses x ON x.id = e.diagnosis_id WHERE p.region = {region} AND p.born < 1940 GROUP BY x.chapter) },
		{ name => 'controlled drugs',         calls => 8,  sql => q(SELECT v.specialty, count(*) FROM events e JOIN drugs r ON r.id = e.drug_id JOIN providers v ON v.id = e.provider_id JOIN days d ON d.id = e.day_id WHERE r.controlled AND d.year = {year} AND d.month = {month} GROUP BY v.specialty) },
		{ name => 'a county\'s devices',      calls => 8,  sql => q(SELECT c.name, sum(e.amount) FROM events e JOIN places l ON l.id = e.place_id JOIN devices z ON z.id = e.device_id JOIN channels c ON c.id = e.channel_id WHERE l.county = {county} AND z.vendor = {vendor} GROUP BY c.name) },
		{ name => 'chapters by payer type',   calls => 4,  sql => q(SELECT x.chapter, sum(e.amount) FROM events e JOIN diagnoses x ON x.id = e.diagnosis_id JOIN payers y ON y.id = e.payer_id WHERE y.type = {type} GROUP BY x.chapter) },
		{ name => 'dearest of a day',         calls => 15, sql => q(SELECT e.id, e.patient_id, e.amount FROM events e JOIN days d ON d.id = e.day_id WHERE d.day = {day} ORDER BY e.amount DESC LIMIT 10) },
	],
	small => {
		'star of one day' => [ 'a day by shift', 'dearest of a day' ],
		'star by key' => [ 'one patient', 'a provider\'s case mix', 'a procedure by payer' ],
	},
}

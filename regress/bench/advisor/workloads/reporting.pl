# Month-end: few statements, each over much of the data.
use strict;
use warnings;

{
	title  => 'reporting',
	schema => <<'SQL',
SELECT setseed(0.2);
CREATE TABLE departments (id int PRIMARY KEY, name text, division text);
INSERT INTO departments SELECT g, 'Department ' || g, 'Division ' || g % 6 FROM generate_series(0, 39) g;
CREATE TABLE insurers (id int PRIMARY KEY, name text);
INSERT INTO insurers SELECT g, 'Insurer ' || g FROM generate_series(0, 59) g;
CREATE TABLE visits (id int PRIMARY KEY, patient_id int, department_id int, insurer_id int, day date, kind text, outcome text, length_of_stay int, cost numeric(10, 2));
INSERT INTO visits SELECT g, 1 + floor(random() * 80000), floor(power(random(), 2) * 40), floor(power(random(), 2) * 60), date '2021-01-01' + g / 220, (ARRAY['inpatient', 'outpatient', 'emergency'])[1 + floor(random() * 3)], CASE WHEN random() < 0.96 THEN 'home' WHEN random() < 0.6 THEN 'transferred' WHEN random() < 0.6 THEN 'died' ELSE 'left' END, floor(power(random(), 6) * 90), round((random() * 9000)::numeric, 2) FROM generate_series(1, 300000) g;
CREATE TABLE diagnoses (id int PRIMARY KEY, visit_id int, code text, place int);
INSERT INTO diagnoses SELECT g, 1 + g * 3 / 4, 'D' || floor(power(random(), 2) * 600), 1 + g % 3 FROM generate_series(1, 399000) g;
CREATE TABLE procedures (id int PRIMARY KEY, visit_id int, code text, surgeon_id int, minutes int, done_on date);
INSERT INTO procedures SELECT g, 1 + floor(random() * 300000), 'P' || floor(power(random(), 2) * 300), floor(random() * 150), 10 + floor(random() * 300), date '2021-01-01' + g / 150 FROM generate_series(1, 200000) g;
SQL
	values => {
		month      => sub { sprintf "'%d-%02d-01'", 2021 + int rand 3, 1 + int rand 12 },
		department => sub { int(rand()**2 * 40) },
		insurer    => sub { int(rand()**2 * 60) },
		diagnosis  => sub { sprintf "'D%d'", int(rand()**2 * 600) },
		procedure  => sub { sprintf "'P%d'", int(rand()**2 * 300) },
		surgeon    => sub { int rand 150 },
		patient    => sub { 1 + int rand 80000 },
		visit      => sub { 1 + int rand 300000 },
		new        => do { my $n = 10_000_000; sub { $n++ } },
	},
	statements => [
		{ name => 'cost by department',        calls => 12, sql => q(SELECT d.name, count(*), sum(v.cost) FROM visits v JOIN departments d ON d.id = v.department_id WHERE v.day >= {month} AND v.day < {month}::date + 30 GROUP BY d.name) },
		{ name => 'visits with a diagnosis',   calls => 20, sql => q(SELECT v.day, v.department_id, v.cost FROM diagnoses g JOIN visits v ON v.id = g.visit_id WHERE g.code = {diagnosis} AND v.day >= {month} AND v.day < {month}::date + 90) },
		{ name => 'theatre minutes',           calls => 10, sql => q(SELECT surgeon_id, sum(minutes) FROM procedures WHERE done_on >= {month} AND done_on < {month}::date + 30 GROUP BY surgeon_id ORDER BY 2 DESC LIMIT 10) },
		{ name => 'readmissions',              calls => 8,  sql => q(SELECT count(*) FROM visits a JOIN visits b ON b.patient_id = a.patient_id AND b.day > a.day AND b.day <= a.day + 30 WHERE a.department_id = {department} AND a.day >= {month} AND a.day < {month}::date + 30) },
		{ name => 'an insurer\'s year',        calls => 10, sql => q(SELECT kind, count(*), sum(cost) FROM visits WHERE insurer_id = {insurer} AND day >= {month} GROUP BY kind) },
		{ name => 'deaths',                    calls => 10, sql => q(SELECT department_id, count(*) FROM visits WHERE outcome = 'died' AND day >= {month} AND day < {month}::date + 365 GROUP BY department_id) },
		{ name => 'longest stays',             calls => 12, sql => q(SELECT id, patient_id, length_of_stay FROM visits WHERE department_id = {department} ORDER BY length_of_stay DESC LIMIT 20) },
		{ name => 'patients with a diagnosis', calls => 8,  sql => q(SELECT count(DISTINCT v.patient_id) FROM diagnoses g JOIN visits v ON v.id = g.visit_id WHERE g.code = {diagnosis} AND g.place = 1) },
		{ name => 'a patient\'s history',      calls => 40, sql => q(SELECT v.day, g.code, p.code FROM visits v LEFT JOIN diagnoses g ON g.visit_id = v.id LEFT JOIN procedures p ON p.visit_id = v.id WHERE v.patient_id = {patient} ORDER BY v.day) },
		{ name => 'uncoded visits',            calls => 8,  sql => q(SELECT v.id, v.department_id FROM visits v WHERE v.day >= {month} AND v.day < {month}::date + 7 AND NOT EXISTS (SELECT FROM diagnoses g WHERE g.visit_id = v.id)) },
		{ name => 'how a procedure went',      calls => 10, sql => q(SELECT v.outcome, count(*), avg(p.minutes) FROM procedures p JOIN visits v ON v.id = p.visit_id WHERE p.code = {procedure} GROUP BY v.outcome) },
		{ name => 'a surgeon\'s cases',        calls => 15, sql => q(SELECT done_on, code, minutes FROM procedures WHERE surgeon_id = {surgeon} AND done_on >= {month} ORDER BY done_on LIMIT 50) },
		{ name => 'visits by kind',            calls => 5,  sql => q(SELECT kind, outcome, count(*) FROM visits GROUP BY kind, outcome) },
		{ name => 'code a visit',              calls => 60, sql => q(INSERT INTO diagnoses VALUES ({new}, {visit}, {diagnosis}, 1)) },
		{ name => 'settle',                    calls => 40, sql => q(UPDATE visits SET cost = cost + 1 WHERE id = {visit}) },
	],
	small => {
		'reports of one table' => [ 'cost by department', 'an insurer\'s year', 'longest stays' ],
		'reports with joins' => [ 'visits with a diagnosis', 'a patient\'s history', 'how a procedure went' ],
	},
}

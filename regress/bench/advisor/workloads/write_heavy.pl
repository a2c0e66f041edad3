# Monitors send readings all day and few look at them: most indexes cost more here than they bring.
use strict;
use warnings;

{
	title  => 'write-heavy',
	schema => <<'SQL',
SELECT setseed(0.4);
CREATE TABLE readings (id int PRIMARY KEY, device_id int, channel int, value real, quality int, taken_at timestamp);
INSERT INTO readings SELECT g, floor(random() * 2000), floor(random() * 12), random() * 100, floor(random() * 4), timestamp '2024-01-01' + g * interval '2 s' FROM generate_series(1, 500000) g;
CREATE TABLE device_state (device_id int PRIMARY KEY, ward_id int, status text, battery int, last_seen timestamp, firmware text) WITH (fillfactor = 70);
INSERT INTO device_state SELECT g, g % 40, CASE WHEN random() < 0.98 THEN 'ok' ELSE 'fault' END, floor(random() * 100), timestamp '2024-01-10', 'v' || g % 7 FROM generate_series(0, 19999) g;
CREATE TABLE alarms (id int PRIMARY KEY, device_id int, ward_id int, severity int, raised_at timestamp, acknowledged_at timestamp, text text);
INSERT INTO alarms SELECT g, floor(random() * 2000), floor(random() * 40), 1 + floor(power(random(), 3) * 5), timestamp '2024-01-01' + g * interval '20 s', CASE WHEN random() < 0.995 THEN timestamp '2024-01-02' + g * interval '20 s' END, repeat('a', 30) FROM generate_series(1, 60000) g;
CREATE TABLE audit_events (id int PRIMARY KEY, user_id int, action text, object_id int, happened_at timestamp, details text);
INSERT INTO audit_events SELECT g, floor(random() * 1500), (ARRAY['view', 'change', 'print', 'export'])[1 + floor(power(random(), 3) * 4)], floor(random() * 100000), timestamp '2024-01-01' + g * interval '4 s', repeat('d', 30) FROM generate_series(1, 250000) g;
CREATE TABLE messages (id int PRIMARY KEY, recipient text, status text, tries int, body text);
INSERT INTO messages SELECT g, 'system ' || g % 9, CASE WHEN g > 79800 THEN 'new' ELSE 'sent' END, 0, repeat('m', 100) FROM generate_series(1, 80000) g;
SQL
	values => do {
		my $n = 10_000_000;
		my $reading = sub { sprintf '(%d, %d, %d, %.1f, 0, \'2024-02-01\')', $n++, int rand 2000, int rand 12, rand 100 };
		{
			readings => sub { join ', ', map { $reading->() } 1 .. 20 },
			device   => sub { int rand 20000 },
			monitor  => sub { int rand 2000 },
			ward     => sub { int rand 40 },
			battery  => sub { int rand 100 },
			severity => sub { 1 + int(rand()**3 * 5) },
			user     => sub { int rand 1500 },
			object   => sub { int rand 100000 },
			channel  => sub { int rand 12 },
			alarm    => sub { 1 + int rand 60000 },
			message  => sub { 1 + int rand 80000 },
			hour     => sub { sprintf "'2024-01-%02d %02d:00'", 1 + int rand 11, int rand 24 },
			second   => sub { sprintf "'2024-01-11 %02d:%02d:%02d'", int rand 24, int rand 60, int rand 60 },
			new      => sub { $n++ },
		}
	},
	statements => [
		{ name => 'readings',                calls => 3000, sql => 'INSERT INTO readings VALUES {readings}' },
		{ name => 'heartbeat',               calls => 5000, sql => q(UPDATE device_state SET last_seen = {second}, battery = {battery} WHERE device_id = {device}) },
		{ name => 'audit',                   calls => 4000, sql => q(INSERT INTO audit_events VALUES ({new}, {user}, 'view', {object}, '2024-02-01', 'new')) },
		{ name => 'alarm',                   calls => 400,  sql => q(INSERT INTO alarms VALUES ({new}, {monitor}, {ward}, {severity}, '2024-02-01', NULL, 'new')) },
		{ name => 'acknowledge',             calls => 400,  sql => q(UPDATE alarms SET acknowledged_at = '2024-02-01' WHERE id = {alarm}) },
		{ name => 'queue',                   calls => 800,  sql => q(INSERT INTO messages VALUES ({new}, 'system 1', 'new', 0, 'new')) },
		{ name => 'sent',                    calls => 800,  sql => q(UPDATE messages SET status = 'sent', tries = tries + 1 WHERE id = {message}) },
		{ name => 'poll the queue',          calls => 100,  sql => q(SELECT id, recipient, body FROM messages WHERE status = 'new' ORDER BY id LIMIT 10) },
		{ name => 'open alarms of a ward',   calls => 60,   sql => 'SELECT id, device_id, severity, raised_at FROM alarms WHERE acknowledged_at IS NULL AND ward_id = {ward} ORDER BY severity DESC, raised_at' },
		{ name => 'latest of a device',      calls => 30,   sql => 'SELECT channel, value, taken_at FROM readings WHERE device_id = {monitor} ORDER BY taken_at DESC LIMIT 12' },
		{ name => 'silent devices',          calls => 4,    sql => 'SELECT device_id, last_seen FROM device_state ORDER BY last_seen LIMIT 20' },
		{ name => 'low batteries',           calls => 4,    sql => 'SELECT device_id FROM device_state WHERE ward_id = {ward} AND battery < 10' },
		{ name => 'who looked at it',        calls => 1,    sql => 'SELECT user_id, action, happened_at FROM audit_events WHERE object_id = {object} ORDER BY happened_at' },
		{ name => 'what a user did',         calls => 1,    sql => 'SELECT action, count(*) FROM audit_events WHERE user_id = {user} GROUP BY action' },
		{ name => 'channel of an hour',      calls => 2,    sql => 'SELECT avg(value) FROM readings WHERE channel = {channel} AND taken_at >= {hour} AND taken_at < {hour}::timestamp + interval \'1 hour\'' },
		{ name => 'exports',                 calls => 2,    sql => q(SELECT user_id, count(*) FROM audit_events WHERE action = 'export' GROUP BY user_id) },
	],
	small => {},
}

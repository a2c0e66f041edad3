# pg_triage warm: the node itself, a physical standby, another cluster by name; what goes wrong is said,
# and nothing is left behind.
use strict;
use warnings;

use IPC::Run qw(start finish run);
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $advisor = 'pg_triage';
plan skip_all => 'the advisor is not installed' if !run([ $advisor, '--version' ], '>', \my $version, '2>', \my $problem);

my $settings = qq{
pg_triage.buffer_interval = 20ms
shared_buffers = 16MB
autovacuum = off
};
my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', $settings);
$primary->start;
$primary->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, note text);
INSERT INTO patients SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g;
CREATE TABLE audit_log AS SELECT * FROM patients;
CREATE TABLE dropped AS SELECT * FROM patients;
CREATE TABLE rewritten AS SELECT * FROM patients;
VACUUM;
SELECT count(*) FROM patients, generate_series(1, 3) WHERE note <> '';
CREATE ROLE nurse LOGIN;
GRANT triage_reader TO nurse;
GRANT pg_read_all_stats TO nurse;
});
# What is hardly read may be evicted between two looks, so all of them are read until they are known.
$primary->poll_query_until('postgres', qq{
SELECT count(DISTINCT relation) = 4 FROM triage.heat(),
       (SELECT count(a) + count(d) + count(r) FROM audit_log a, dropped d, rewritten r
         WHERE a.id = d.id AND d.id = r.id) AS read
 WHERE relation IN ('patients'::regclass, 'audit_log'::regclass, 'dropped'::regclass, 'rewritten'::regclass)})
  or die 'nothing was learnt';

# The advisor's exit status, output and messages.
sub advisor
{
	my ($node, @arguments) = @_;
	my ($output, $messages);
	run [ $advisor, @arguments, '-d', $node->connstr('postgres') ], '<', \'', '>', \$output, '2>', \$messages;
	return ($? >> 8, $output, $messages);
}

sub blocks_of
{
	my ($node, $relation) = @_;
	return $node->safe_psql('postgres', qq{
SELECT coalesce(sum(last_block - first_block + 1), 0) FROM triage.hot_blocks()
 WHERE relation = '$relation'::regclass AND fork = 'main'});
}

# ---- what it needs
my ($status, $output, $messages) = advisor($primary, 'warm', 'plan');
is($status, 3, 'without pg_prewarm it ends');
like($messages, qr/extension "pg_prewarm" is not installed.*hint: .*CREATE EXTENSION pg_prewarm/s, 'and says what to do');
$primary->safe_psql('postgres', 'CREATE EXTENSION pg_prewarm');
($status, $output, $messages) = advisor($primary, 'warm', 'plan');
is($status, 0, 'with it there is a plan');
like($output, qr/patient_data/, 'by data class');

# ---- a capture
my $file = "${PostgreSQL::Test::Utils::tmp_check}/heat.json";
($status) = advisor($primary, 'warm', 'capture', '-o', $file);
is($status, 0, 'a capture is written');
my $captured = slurp_file($file);

# ---- a physical standby, in recovery
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'pg_triage.warm_on_start = off');
$standby->start;
$primary->wait_for_catchup($standby);
is(blocks_of($standby, 'patients'), 0, 'the standby is cold');
($status, $output, $messages) = advisor($standby, 'warm', 'ready', '--from', $file);
is($status, 1, 'and not ready');
($status, $output, $messages) =
  advisor($standby, 'warm', 'run', '--from', $primary->connstr('postgres'), '--to', $standby->connstr('postgres'),
	'--wait-ready', '98', '--deadline', '60', '--format', 'json');
is($status, 0, 'it is warmed from its primary') or diag $messages;
cmp_ok(blocks_of($standby, 'patients'), '>=', 300, 'the table is in its buffers');
($status) = advisor($standby, 'warm', 'ready', '--from', $file);
is($status, 0, 'now it is ready');
$standby->promote;
is($standby->safe_psql('postgres', 'SELECT count(*) FROM patients'), 5000, 'and can be promoted');
$standby->stop;

# ---- relations that went, or were written anew
$primary->safe_psql('postgres', 'DROP TABLE dropped; VACUUM FULL rewritten');
($status, $output, $messages) = advisor($primary, 'warm', 'run', '--from', $file);
is($status, 0, 'a capture with relations that are gone is used as far as it goes');
like($messages, qr/1 are not there \(any more\), [1-9] were rewritten since/, 'and what is left out is said');

# ---- budgets, deadlines
($status, $output) = advisor($primary, 'warm', 'plan', '--from', $file, '--budget', '16kB', '--level', 'l1', '--format', 'json');
is($status, 0, 'a budget below one extent');
my $planned = 0;
$planned += $_->{blocks} foreach @{ decode_json($output)->{waves} };
is($planned, 2, 'is kept');
($status, $output) = advisor($primary, 'warm', 'run', '--from', $file, '--rate', '1MB', '--deadline', '0.5', '--format', 'json');
is($status, 0, 'a deadline ends it');
like($output, qr/"deadline_reached": true/, 'and is told');
($status) = advisor($primary, 'warm', 'ready', '--from', $file, '--wait-ready', '100', '--deadline', '0.2', '--budget', '1kB');
is($status, 0, 'nothing planned is ready at once');

# ---- files that must not be believed
foreach my $damage (
	[ 'no capture', sub { 'hello' }, qr/is not a capture/ ],
	[ 'half a capture', sub { substr($captured, 0, 500) }, qr/is not a capture/ ],
	[ 'a changed capture', sub { my $text = $captured; $text =~ s/"fork"|"file":(\d)/"file":9/; $text }, qr/is damaged/ ])
{
	my ($name, $make, $pattern) = @$damage;
	my $bad = "${PostgreSQL::Test::Utils::tmp_check}/bad.json";
	unlink $bad;
	append_to_file($bad, $make->());
	($status, $output, $messages) = advisor($primary, 'warm', 'run', '--from', $bad);
	is($status, 4, "$name is refused");
	like($messages, $pattern, 'with a clear message');
}

# ---- another cluster
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->append_conf('postgresql.conf', $settings);
$other->start;
$other->safe_psql('postgres', q{
CREATE EXTENSION pg_prewarm;
CREATE TABLE patients (id int PRIMARY KEY, note text);
INSERT INTO patients SELECT g, repeat('y', 500) FROM generate_series(1, 5000) g;
});
$other->restart;
($status, $output, $messages) = advisor($other, 'warm', 'run', '--from', $file);
is($status, 4, 'another cluster is refused');
like($messages, qr/the capture is of another cluster.*--by-name/s, 'and how to go on is said');
($status, $output, $messages) = advisor($other, 'warm', 'run', '--from', $file, '--by-name', '--format', 'json');
is($status, 0, 'by name it is warmed, without pg_triage there') or diag $messages;
like($output, qr/"done_blocks": [3-9]\d\d/, 'table and index of that name');
$other->stop;

# ---- rights
($status, $output, $messages) = advisor($primary, 'warm', 'run', '--from', $file, '-U', 'nurse');
is($status, 4, 'without rights to the tables it does what it may, and fails');
like($output, qr/Left out public.patients: permission denied/, 'it says which');
like($messages, qr/not all relations could be read.*hint: pg_prewarm needs the right to SELECT/s, 'and why');
is($primary->safe_psql('postgres', 'SELECT 1'), 1, 'and the server runs');

# ---- Ctrl-C
{
	my $out = '';
	my $running = start [ $advisor, 'warm', 'run', '--from', $file, '--rate', '100kB', '-d', $primary->connstr('postgres') ],
	  '<', \'', '>', \$out, '2>', \$out;
	my $others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
	$primary->poll_query_until('postgres', "SELECT count(*) >= 3 $others") or die 'it did not start';
	$running->signal('INT');
	finish $running;
	is($? >> 8, 4, 'an interrupt ends it');
	like($out, qr/canceled by user/, 'and is told');
	ok($primary->poll_query_until('postgres', "SELECT count(*) = 0 $others"), 'no session is left');
}

done_testing();

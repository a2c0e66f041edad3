# `pg_triage pool` and `pg_triage scale` on a live server: what they observe is what happens there, and as a
# file it gives the same advice.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Advisor;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_clinic('main');
$node->append_conf('postgresql.conf', "pg_triage.activity_interval = 50ms\n");
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE quiet');

# Nothing happens: nothing is invented.
my ($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '1');
is($status, 4, 'an idle server gives no advice');
like($stderr, qr/no database had enough transactions/, 'and it is said why');
is($stdout, '', 'no data');

# Eight clients that all want the same row, and think while they have it.
my $script = $node->basedir . '/hot.sql';
append_to_file($script, q{
BEGIN;
UPDATE patient_records SET note = 'y' WHERE id = 1;
\sleep 2 ms
END;
});
delete $ENV{PGAPPNAME}; # else pgbench would not give its own name
my $load = IPC::Run::start([ 'pgbench', '-n', '-c', '8', '-T', '90', '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \my $out, '2>', \my $err);
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM triage.activity WHERE application = 'pgbench' AND wait_class = 'Lock'})
  or die 'the load is not seen';

($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '4', '--cores', '4', '--emit', 'observations');
is($status, 0, 'the server is watched') or diag $stderr;
my $seen = decode_json($stdout);
is(join(',', map { $_->{pool} } @{ $seen->{pools} }), 'postgres', 'databases in which nothing happens are left out');
my ($pool) = @{ $seen->{pools} };
cmp_ok($seen->{machine}{cores}, '==', 4, 'cores as said');
cmp_ok($pool->{seconds}, '>=', 4, 'observed for as long as asked');
cmp_ok($pool->{clients}, '>=', 8, 'clients were counted');
cmp_ok($pool->{idle_in_transaction_ms}, '>', 1, 'thinking inside of transactions');
cmp_ok($pool->{lock_wait_ms}, '>', 0.5 * $pool->{active_ms}, 'most of the time goes to waiting for the lock');
cmp_ok($pool->{lock_wait_ms} + $pool->{io_wait_ms} + $pool->{wal_wait_ms} + $pool->{lwlock_wait_ms} + $pool->{sleep_ms},
	'<=', 1.0001 * $pool->{active_ms}, 'waits are parts of the active time');
my ($update) = sort { $b->{mean_ms} <=> $a->{mean_ms} } @{ $pool->{statements} };
cmp_ok(abs($update->{calls_per_transaction} - 1), '<', 0.5, 'one such statement a transaction');
unlike($stdout, qr/UPDATE|patient/, 'no text of a statement');

my $file = $node->basedir . '/seen.json';
append_to_file($file, $stdout);
($status, $stdout) = advisor(undef, 'pool', '--from-file', $file, '--format', 'json');
is($status, 0, 'the observations are a file that --from-file takes');
my ($advised) = @{ decode_json($stdout)->{pools} };
is($advised->{bottleneck}, 'lock', 'locks are what is short');
is($advised->{evidence}{observed}, 'at the server', 'it is said where it was observed');
cmp_ok($advised->{evidence}{seconds}, '==', $pool->{seconds}, 'and for how long');

($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '2');
is($status, 0, 'advice in one step') or diag $stderr;
like($stdout, qr/Pool postgres: \d+ connections.*transactions in \d+ s, seen at the\s+server/s, 'with its evidence');
($status, $stdout, $stderr) = advisor(undef, 'pool', '--from-file', $file, '--observe', '2');
is($status, 2, 'a file is not watched');

# ---- Processor time of the backends
SKIP:
{
	skip 'the kernel does not count processor time by process', 5 unless slurp_file('/proc/self/schedstat') =~ /^[1-9]/;
	cmp_ok($pool->{cpu_ms}, '>', 0, 'processor time of the backends');
	cmp_ok($pool->{cpu_ms}, '<', $pool->{active_ms}, 'which does not grow by waiting for a lock');
	cmp_ok($pool->{run_queue_ms}, '>=', 0, 'and what they waited for a processor');
	cmp_ok($pool->{wake_ups}, '>=', 1, 'and how often they slept');

	# Sessions of one transaction, most of which nobody has seen.
	my $short = $node->basedir . '/short.sql';
	append_to_file($short, "SELECT 1;\n");
	my $passing = IPC::Run::start([ 'pgbench', '-n', '-C', '-T', '60', '-f', $short, '-h', $node->host, '-p', $node->port, 'quiet' ],
		'>', \my $ignored, '2>', \my $told);
	($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '3', '--emit', 'observations');
	my ($unseen) = grep { $_->{pool} eq 'quiet' } @{ decode_json($stdout)->{pools} };
	ok($unseen && !exists $unseen->{cpu_ms}, 'nothing is said of sessions that came and went unseen') or diag $stdout;
	$passing->signal('INT');
	$passing->finish;
}

# Replicas
($status, $stdout, $stderr) = advisor($node, 'scale', '--format', 'json', '--max-replicas', '4', '--pool', '5');
is($status, 0, 'applications are found') or diag $stderr;
my $scaled = decode_json($stdout);
my ($application) = grep { $_->{application} eq 'pgbench' } @{ $scaled->{applications} };
is($application->{max_replicas}, 4, 'with as many replicas as said');
is_deeply($application->{forecast}, [], 'and no forecast from minutes');
is($scaled->{budget}{limit}, int(0.8 * $node->safe_psql('postgres', 'SHOW max_connections')), 'the limit is the server\'s');
($status, $stdout) = advisor($node, 'scale', '--emit', 'hpa', '--max-replicas', '4', '--pool', '5');
like($stdout, qr/kind: HorizontalPodAutoscaler.*maxReplicas: 4/s, 'and manifests');
($status) = advisor($node, 'scale', '--min-replicas', '5000', '--max-replicas', '5000');
is($status, 1, 'what cannot fit is a failed check');

$load->signal('INT');
$load->finish;

# ---- Through a pooler
my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
SKIP:
{
	skip 'no pgbouncer: apt-get install pgbouncer', 1 unless $pgbouncer;
	my $tmp = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN; GRANT ALL ON patient_records TO $_") for qw(emergency_app report_app);
	append_to_file("$tmp/pgbouncer.ini", sprintf(<<'INI', $port, $tmp, $tmp, $tmp, ($node->host, $node->port) x 3));
[pgbouncer]
listen_port = %s
unix_socket_dir = %s
auth_type = any
admin_users = postgres
stats_users = watcher
pool_mode = transaction
logfile = %s/pgbouncer.log
pidfile = %s/pgbouncer.pid
[databases]
emergency = host=%s port=%s dbname=postgres user=emergency_app pool_size=1
reporting = host=%s port=%s dbname=postgres user=report_app pool_size=2
unused = host=%s port=%s dbname=postgres user=report_app
INI
	is(system($pgbouncer, '-q', '-d', "$tmp/pgbouncer.ini"), 0, 'PgBouncer starts');
	my $console = "host=$tmp port=$port user=watcher";

	# Eight clients for one connection, three messages a transaction; reports of much work.
	append_to_file("$tmp/emergency.sql", "BEGIN;\nSELECT note FROM patient_records WHERE id = 7;\nEND;\n");
	append_to_file("$tmp/report.sql", "SELECT count(*) FROM patient_records a, generate_series(1, 3) g WHERE a.mrn % 7 = g;\n");
	my %clients = (emergency => 8, reporting => 2);
	my %script = (emergency => 'emergency', reporting => 'report');
	my @loads = map { IPC::Run::start([ 'pgbench', '-n', '-c', $clients{$_}, '-T', '90', '-f', "$tmp/$script{$_}.sql",
			'-h', $tmp, '-p', $port, '-U', 'any', $_ ], '>', \my $out, '2>', \my $err) } sort keys %clients;
	$node->poll_query_until('postgres', q{SELECT count(DISTINCT usename) = 2 FROM pg_stat_activity WHERE usename IN ('emergency_app', 'report_app')})
	  or die 'nothing comes through';

	($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '4', '--pgbouncer', $console, '--emit', 'observations');
	is($status, 0, 'server and pooler are watched') or diag $stderr;
	my $through = decode_json($stdout);
	my %seen = map { $_->{pool} => $_ } @{ $through->{pools} };
	is(join(',', sort keys %seen), 'emergency,reporting', 'a pool for each alias that was used');
	my ($emergency, $reporting) = @seen{qw(emergency reporting)};
	is($emergency->{lane}, 'emergency', 'the lane is that of its name');
	is("$emergency->{database}|$emergency->{user}", 'postgres|emergency_app', 'where it leads to');
	is($emergency->{clients}, 8, 'clients of the pooler');
	cmp_ok(abs($emergency->{round_trips} - 3), '<', 0.1, 'messages a transaction');
	my $held = $emergency->{hold_ms} * $emergency->{transactions} / (1000 * $emergency->{seconds});
	cmp_ok($held, '<', 1.2, 'one connection is held for no longer than it exists: waiting for it is no part of the hold');
	cmp_ok($held, '>', 0.2, 'but the transactions are');
	cmp_ok($reporting->{hold_ms}, '>', 3 * $emergency->{hold_ms}, 'reports hold theirs for longer');
	cmp_ok($emergency->{active_ms}, '>', 0, 'time at the server');
	cmp_ok($reporting->{active_ms}, '>', 3 * $emergency->{active_ms}, 'of each alias\'s own sessions');
	is($through->{host}, $node->host, 'the server as the pooler reaches it');
	SKIP:
	{
		skip 'the kernel does not count processor time by process', 2 unless exists $emergency->{cpu_ms};
		cmp_ok($reporting->{cpu_ms}, '>', 3 * $emergency->{cpu_ms}, 'processor time of each alias\'s own backends');
		cmp_ok($emergency->{pooler_ms}, '>', 0, 'and of the pooler');
	}
	append_to_file("$tmp/seen.json", $stdout);
	($status, $stdout) = advisor(undef, 'pool', '--from-file', "$tmp/seen.json", '--format', 'json');
	is($_->{evidence}{observed}, 'through a pooler', "$_->{pool}: it is said where it was observed")
	  for @{ decode_json($stdout)->{pools} };

	($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '1', '--pgbouncer', $node->connstr('postgres'));
	is($status, 3, 'a server is no pooler');
	like($stderr, qr/does not answer SHOW/, 'and it is said');
	($status, $stdout, $stderr) = advisor($node, 'pool', '--observe', '1', '--pgbouncer', "host=$tmp port=1 user=watcher");
	is($status, 3, 'no pooler there');
	like($stderr, qr/cannot connect to the pooler's admin console/, 'and it is said, too');
	($status) = advisor(undef, 'pool', '--from-file', "$tmp/seen.json", '--pgbouncer', $console);
	is($status, 2, 'a file has no pooler');

	$_->signal('INT') for @loads;
	$_->finish for @loads;
	kill 'TERM', slurp_file("$tmp/pgbouncer.pid");
}

$node->stop;
done_testing();

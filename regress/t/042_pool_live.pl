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
$node->stop;
done_testing();

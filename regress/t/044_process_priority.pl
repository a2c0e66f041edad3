# pg_triage.nice: what a session's process becomes, by a role's setting, in its parallel workers, and that
# it does not come up again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no /proc: processes cannot be looked at' unless -r '/proc/self/stat';

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_worker_processes = 16\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_triage CASCADE; CREATE ROLE reports LOGIN SUPERUSER; CREATE ROLE ward LOGIN');

# Steps that process itself has, as it sees them: by nice, and by the session's group where there are such.
my $nice = q{(regexp_split_to_array(pg_read_file('/proc/self/stat', 0, 4096), '[)] '))[2]};
$nice = qq{(string_to_array($nice, ' '))[17]::int};
my $with_groups = -w '/proc/self/autogroup' ? 1 : 0;
my $group = $with_groups ? q{substring(pg_read_file('/proc/self/autogroup', 0, 4096) from 'nice (-?\d+)')::int} : 'NULL::int';
my $servers = $node->safe_psql('postgres', "SELECT $nice");

sub in_session
{
	my ($sql, @more) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql, @more);
	return "$out$err";
}

is(in_session("SELECT $nice - $servers"), 0, 'a session is as the server');
is(in_session("SET pg_triage.nice = 7; SELECT $nice - $servers"), 7, 'or below it');
is(in_session("SET pg_triage.nice = 7; SET pg_triage.nice = 12; SELECT $nice - $servers"), 12, 'and further below');

# ---- roles, for which it is made
$node->safe_psql('postgres', 'ALTER ROLE reports SET pg_triage.nice = 10');
is(in_session("SELECT $nice - $servers", extra_params => [ '-U', 'reports' ]), 10, "a role's sessions");
is(in_session('SHOW pg_triage.nice', extra_params => [ '-U', 'ward' ]), 0, "and not another's");

SKIP: {
	skip 'no groups of sessions on this system', 2 unless $with_groups;
	# The kernel takes ten changes a second: what comes too early is said again with the next transaction.
	my $sessions = join ";\n", 'SET pg_triage.nice = 10', ('SELECT pg_sleep(0.15)') x 10, "SELECT $group";
	is((split /\n/, in_session($sessions))[-1], 10, 'the group follows');
	is(in_session("SELECT $group"), 0, 'no other session does');
}

# ---- parallel workers: all of the rows are looked at by a worker
is(in_session(<<"SQL"), "10|1", 'parallel workers are as their session');
SET pg_triage.nice = 10;
CREATE TABLE looked_at AS SELECT i FROM generate_series(1, 200000) i;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 1;
SELECT min(steps), count(DISTINCT steps)
  FROM (SELECT $nice - $servers AS steps FROM looked_at WHERE i % 1000 = 0 OFFSET 0) workers;
SQL

# ---- back up
my ($limit) = slurp_file('/proc/self/limits') =~ /^Max nice priority\s+(\S+)/m;
SKIP: {
	skip 'this system lets processes raise their priority', 4 if $limit eq 'unlimited' || $limit > 0 || $> == 0;
	my $refused = qr/ERROR:  the priority of a session cannot be raised again.*DETAIL:  The operating system.*HINT:  Begin another/s;
	like(in_session('SET pg_triage.nice = 5; SET pg_triage.nice = 4'), $refused, 'up again is refused');
	my $reset = "SET pg_triage.nice = 5; RESET pg_triage.nice; SHOW pg_triage.nice; SELECT $nice - $servers";
	is(in_session($reset), "0\n5", 'a reset cannot be refused, and does not raise');
	is(in_session("BEGIN; SET LOCAL pg_triage.nice = 5; COMMIT; SELECT $nice - $servers"), 5, 'nor does the end of a transaction');
	is(in_session("BEGIN; SET LOCAL pg_triage.nice = 5; ROLLBACK; ALTER ROLE ward SET pg_triage.nice = 1; SELECT 'done'"),
		'done', "roles' settings are not this session's");
}
like(in_session('SET pg_triage.nice = -1'), qr/-1 is outside the valid range/, 'never above the server');
like(in_session('ALTER SYSTEM SET pg_triage.nice = 5'), qr/cannot be changed/, 'not for the whole server');

$node->stop;
done_testing();

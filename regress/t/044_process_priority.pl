# pg_triage.priority: what a session's process becomes, by a role's setting, in its parallel workers, and
# that it does not come up again.
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

# How many steps the process is below the server, by nice; and whether it is in the scheduler's idle class.
my $stat = q{string_to_array(split_part(pg_read_file('/proc/self/stat', 0, 4096), ') ', 2), ' ')};
my $servers = $node->safe_psql('postgres', "SELECT ($stat)[17]");
my $steps = "(($stat)[17]::int - $servers)";
my $idle = "(($stat)[39] = '5')";
my $now = "SELECT $steps, $idle";

# Where sessions are groups of the scheduler, the idle class would mean nothing.
my $groups = -e '/proc/sys/kernel/sched_autogroup_enabled' ? slurp_file('/proc/sys/kernel/sched_autogroup_enabled') : 0;
my $as_idle = $groups > 0 ? '10|f' : '10|t';

sub in_session
{
	my ($sql, @more) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $sql, @more);
	return "$out$err";
}

is(in_session($now), '0|f', 'a session is as the server');
is(in_session("SET pg_triage.priority = low; $now"), '10|f', 'or below it');
is(in_session("SET pg_triage.priority = low; SET pg_triage.priority = idle; $now"), $as_idle, 'and further below');

# ---- roles, for which it is made
$node->safe_psql('postgres', 'ALTER ROLE reports SET pg_triage.priority = idle');
is(in_session($now, extra_params => [ '-U', 'reports' ]), $as_idle, "a role's sessions");
is(in_session('SHOW pg_triage.priority', extra_params => [ '-U', 'ward' ]), 'normal', "and not another's");

SKIP: {
	skip 'no groups of sessions on this system', 2 unless -w '/proc/self/autogroup';
	my $group = q{substring(pg_read_file('/proc/self/autogroup', 0, 4096) from 'nice (-?\d+)')};
	# The kernel takes ten changes a second: what comes too early is said again with the next transaction.
	my $transactions = join ";\n", 'SET pg_triage.priority = low', ('SELECT pg_sleep(0.15)') x 10, "SELECT $group";
	is((split /\n/, in_session($transactions))[-1], 10, 'the group follows');
	is(in_session("SELECT $group"), 0, 'no other session does');
}

# ---- parallel workers: all of the rows are looked at by a worker
is(in_session(<<"SQL"), "10|1", 'parallel workers are as their session');
SET pg_triage.priority = low;
CREATE TABLE looked_at AS SELECT i FROM generate_series(1, 200000) i;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 1;
SELECT min(steps), count(DISTINCT steps)
  FROM (SELECT $steps AS steps FROM looked_at WHERE i % 1000 = 0 OFFSET 0) workers;
SQL

# ---- back up
my ($limit) = slurp_file('/proc/self/limits') =~ /^Max nice priority\s+(\S+)/m;
SKIP: {
	skip 'this system lets processes raise their priority', 5 if $limit eq 'unlimited' || $limit > 0 || $> == 0;
	my $refused = qr/ERROR:  the priority of a session cannot be raised again.*DETAIL:  The operating system.*HINT:  Begin another/s;
	like(in_session('SET pg_triage.priority = low; SET pg_triage.priority = normal'), $refused, 'up again is refused');
	like(in_session('SET pg_triage.priority = idle; SET pg_triage.priority = low'), $refused, 'from idle, too');
	my $reset = "SET pg_triage.priority = idle; RESET pg_triage.priority; SHOW pg_triage.priority; $now";
	is(in_session($reset), "normal\n$as_idle", 'a reset cannot be refused, and does not raise');
	is(in_session("BEGIN; SET LOCAL pg_triage.priority = low; COMMIT; $now"), '10|f', 'nor does the end of a transaction');
	is(in_session("SET pg_triage.priority = low; ALTER ROLE ward SET pg_triage.priority = normal; SELECT 'done'"),
		'done', "roles' settings are not this session's");
}
like(in_session('SET pg_triage.priority = high'), qr/HINT:  Available values: normal, low, idle/, 'never above the server');
like(in_session('ALTER SYSTEM SET pg_triage.priority = low'), qr/cannot be changed/, 'not for the whole server');

$node->stop;
done_testing();

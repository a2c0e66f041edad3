# Limits of bulk lanes that follow the load of the urgent ones: written for a real PgBouncer, read by it when
# they change, and left alone when they do not.
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

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'no pgbouncer: apt-get install pgbouncer' unless $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''") if $ENV{TEMP_CONFIG};
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE emergency_app LOGIN; CREATE ROLE report_app LOGIN');

# Eight processors, of which an emergency needs one for 100 ms, a report one for a second.
my $tmp = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$tmp/lanes.json", encode_json({
	host => $node->host, port => $node->port, machine => { cores => 8 },
	pools => [
		{ pool => 'emergency', lane => 'emergency', database => 'postgres', user => 'emergency_app', clients => 20,
			seconds => 6000, transactions => 60000, active_ms => 100, idle_in_transaction_ms => 0, hold_ms => 100.5,
			cpu_ms => 100, run_queue_ms => 0, pooler_ms => 0.05, statement_p99_ms => 200 },
		{ pool => 'reporting', lane => 'reporting', database => 'postgres', user => 'report_app', clients => 20,
			seconds => 6000, transactions => 6000, active_ms => 1000, idle_in_transaction_ms => 0, hold_ms => 1001,
			cpu_ms => 1000, run_queue_ms => 0, pooler_ms => 0.05, statement_p99_ms => 2000 } ] }));
append_to_file("$tmp/pgbouncer.ini", <<"INI");
[pgbouncer]
listen_port = $port
unix_socket_dir = $tmp
auth_type = any
admin_users = postgres
stats_users = watcher
logfile = $tmp/pgbouncer.log
pidfile = $tmp/pgbouncer.pid
%include $tmp/lanes.ini
INI

# Its answer, whether the file has changed, and the size that PgBouncer has for reports.
sub adapt
{
	my (@more) = @_;
	my $inode = (stat "$tmp/lanes.ini")[1] // 0;
	my ($status, undef, $stderr) = advisor(undef, 'pool', '--from-file', "$tmp/lanes.json", '--saturation', 'auto',
		'--emit', 'pgbouncer', '--output', "$tmp/lanes.ini", @more);
	my $changed = ((stat "$tmp/lanes.ini")[1] // 0) != $inode ? 'changed' : 'left';
	my ($state) = slurp_file("$tmp/lanes.ini") =~ /^; Saturation: (\w+)/m;
	diag $stderr if $status;
	return "$status|$state|$changed";
}

sub size_of_reports
{
	my ($out, $err);
	IPC::Run::run([ 'psql', '-X', '-A', '-t', '-h', $tmp, '-p', $port, '-U', 'postgres', '-d', 'pgbouncer', '-c', 'SHOW DATABASES' ],
		'>', \$out, '2>', \$err);
	my ($line) = grep { /^reporting\|/ } split /\n/, $out;
	return (split /\|/, $line)[5];
}

sub load
{
	my ($per_second) = @_;
	append_to_file("$tmp/one.sql", "SELECT 1;\n") unless -e "$tmp/one.sql";
	return IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '120', '-R', $per_second, '-f', "$tmp/one.sql", '-h', $tmp, '-p', $port,
			'-U', 'any', 'emergency' ], '>', \my $out, '2>', \my $err);
}

# Reports' connections to the server, once there are no more than that many.
sub reports_within
{
	my ($most) = @_;
	return $node->poll_query_until('postgres', "SELECT count(*) <= $most FROM pg_stat_activity WHERE usename = 'report_app'");
}

# As in the file: 10 emergencies a second, an eighth of the processors.
is(adapt(), '0|normal|changed', 'what was observed leaves room for reports');
is(system($pgbouncer, '-q', '-d', "$tmp/pgbouncer.ini"), 0, 'PgBouncer starts with it');
my $normal = size_of_reports();
cmp_ok($normal, '>', 2, 'several reports at a time');

# Clients of the reports queue all the time.
append_to_file("$tmp/report.sql", "SELECT pg_sleep(0.05);\n");
my $flood = IPC::Run::start([ 'pgbench', '-n', '-c', '16', '-T', '180', '-f', "$tmp/report.sql", '-h', $tmp, '-p', $port, '-U', 'any',
		'reporting' ], '>', \my $out, '2>', \my $err);
$node->poll_query_until('postgres', "SELECT count(*) = $normal FROM pg_stat_activity WHERE usename = 'report_app'")
  or die 'there is no flood';

my @now = ('--pgbouncer', "host=$tmp port=$port user=postgres", '--observe', '6', '--reload');
is(adapt(@now), '0|normal|left', 'nothing happens: nothing is written');

# 40 a second: half of the processors.
my $load = load(40);
is(adapt(@now), '0|busy|changed', 'urgent lanes need half of the processors');
my $busy = size_of_reports();
cmp_ok($busy, '<', $normal, 'and PgBouncer gives reports less');
cmp_ok($busy, '>', 1, 'but not the least');
ok(reports_within($busy), 'even while their clients queue');
is(adapt(@now), '0|busy|left', 'as long as that is so, nothing is written');
$load->signal('INT');
$load->finish;

$load = load(100);
is(adapt(@now), '0|saturated|changed', 'urgent lanes need all processors');
is(size_of_reports(), 1, 'reports have one connection');
ok(reports_within(1), 'and no more');
$load->signal('INT');
$load->finish;
is(adapt(@now), '0|normal|changed', 'the rush is over');
is(size_of_reports(), $normal, 'and reports have what they had');
$flood->signal('INT');
$flood->finish;

# Who may only look does not reload; and options that make no sense together.
my ($status, $stdout, $stderr);
my @written = ('pool', '--from-file', "$tmp/lanes.json", '--emit', 'pgbouncer');
($status, $stdout, $stderr) = advisor(undef, @written, '--saturation', 'busy', '--output', "$tmp/lanes.ini",
	'--pgbouncer', "host=$tmp port=$port user=watcher", '--reload');
is($status, 4, 'RELOAD is for administrators');
like($stderr, qr/the pooler refuses RELOAD.*admin_users/s, 'and it is said');
like(slurp_file("$tmp/lanes.ini"), qr/^; Saturation: normal/m, 'what is in force stays in the file');
($status) = advisor(undef, @written, '--reload');
is($status, 2, 'nothing to reload');
($status) = advisor(undef, @written, '--saturation', 'busy', '--observe', '2');
is($status, 2, 'a state that is said is not watched for');

kill 'TERM', slurp_file("$tmp/pgbouncer.pid");
$node->stop;
done_testing();

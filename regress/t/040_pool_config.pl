# What `pg_triage pool` writes is accepted by a real PgBouncer and a real server, and does there what
# it says; what is wrong in the file of observations is named.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Advisor;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# In the tree, or beside a copy of these tests.
my ($example) = grep { -e } map { "$FindBin::Bin/$_/docs/examples/pools.json" } '../..', '..';
my ($status, $stdout, $stderr);

# Observations that are wrong: exit status 2, and the place.
my $tmp = PostgreSQL::Test::Utils::tempdir();
my $good = decode_json(slurp_file($example));

sub advise_changed
{
	my ($change, @more) = @_;
	my $json = decode_json(encode_json($good));
	$change->($json);
	my $file = "$tmp/changed.json";
	unlink $file;
	append_to_file($file, encode_json($json));
	return advisor(undef, 'pool', '--from-file', $file, @more);
}

for my $case (
	[ sub { delete $_[0]{machine} }, qr/machine is missing/ ],
	[ sub { $_[0]{machine}{cores} = 0 }, qr/file\.machine\.cores must be more than 0/ ],
	[ sub { delete $_[0]{pools}[1]{active_ms} }, qr/file\.pools\[1\]\.active_ms is missing/ ],
	[ sub { $_[0]{pools}[0]{cpu_ms} = -1 }, qr/file\.pools\[0\]\.cpu_ms is not a number/ ],
	[ sub { $_[0]{pools}[0]{pool} = "a\nb" }, qr/control character/ ],
	[ sub { $_[0]{pools}[0]{lane} = 'vip' }, qr/unknown lane "vip"/ ],
	[ sub { $_[0]{pools} = [] }, qr/the file has no pools/ ],
	[ sub { $_[0]{fleet}{applications}[0]{min_replicas} = 1000 }, qr/no possible size/ ])
{
	($status, $stdout, $stderr) = advise_changed($case->[0]);
	is($status, 2, "refused: $case->[1]");
	like($stderr, $case->[1], 'and named');
	is($stdout, '', 'no data');
}

# Every kind of output.
($status, $stdout, $stderr) = advisor(undef, 'pool', '--from-file', $example, '--format', 'json');
is($status, 0, 'json');
my $advice = decode_json($stdout);
is(scalar @{ $advice->{pools} }, 3, 'advice for each pool');
cmp_ok($_->{size}, '>=', 1, "$_->{pool} has a size") for @{ $advice->{pools} };
my ($flood) = grep { $_->{lane} eq 'emergency' } @{ $advice->{floods} };
cmp_ok($flood->{with_lanes_p99_ms}, '<=', 1.2 * $flood->{alone_p99_ms}, 'a flood stops at its lane');
cmp_ok($flood->{without_lanes_p99_ms}, '>', 5 * $flood->{alone_p99_ms}, 'and would not without lanes');
cmp_ok($advice->{budget}{used}, '<=', 0.8 * $good->{fleet}{max_connections}, 'all fits');
for my $kind (qw(hikari sqlalchemy pgx node-postgres))
{
	($status, $stdout) = advisor(undef, 'pool', '--from-file', $example, '--emit', $kind);
	is($status, 0, $kind);
	like($stdout, qr/emergency: written by pg_triage/, "$kind names the lane");
}
for my $format (qw(text markdown))
{
	($status, $stdout) = advisor(undef, 'pool', '--from-file', $example, '--format', $format);
	is($status, 0, $format);
	like($stdout, qr/HikariCP's formula/, "$format tells the rivals' sizes");
}

# A real server takes the SQL.
my $node = PostgreSQL::Test::Cluster->new('pools');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''") if $ENV{TEMP_CONFIG};
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE hospital; CREATE ROLE \"$_\" LOGIN")
  for 'emergency_app';
$node->safe_psql('postgres', "CREATE ROLE \"$_\" LOGIN") for qw(clinical_app report_app);
($status, $stdout) = advisor(undef, 'pool', '--from-file', $example, '--emit', 'sql');
$node->safe_psql('postgres', $stdout);
is($node->safe_psql('hospital', 'SHOW statement_timeout', extra_params => [ '-U', 'emergency_app' ]),
	'2s', 'the emergency lane is impatient');

# A real PgBouncer takes the fragment.
my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
SKIP:
{
	skip 'no pgbouncer: apt-get install pgbouncer', 1 unless $pgbouncer;
	my $json = decode_json(encode_json($good));
	$json->{host} = $node->host;
	$json->{port} = $node->port;
	my $file = "$tmp/local.json";
	append_to_file($file, encode_json($json));
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	for my $saturation (qw(normal busy saturated))
	{
		($status, $stdout) = advisor(undef, 'pool', '--from-file', $file, '--emit', 'pgbouncer',
			'--saturation', $saturation);
		is($status, 0, "fragment for a $saturation server");
		unlink "$tmp/lanes-$saturation.ini";
		append_to_file("$tmp/lanes-$saturation.ini", $stdout);
	}
	append_to_file("$tmp/pgbouncer.ini", <<"INI");
[pgbouncer]
listen_port = $port
unix_socket_dir = $tmp
auth_type = any
admin_users = postgres
logfile = $tmp/pgbouncer.log
pidfile = $tmp/pgbouncer.pid
%include $tmp/lanes.ini
INI
	rename "$tmp/lanes-normal.ini", "$tmp/lanes.ini";
	is(system($pgbouncer, '-q', '-d', "$tmp/pgbouncer.ini"), 0, 'PgBouncer starts with the fragment');

	my $ask = sub {
		my ($database, $user, $sql) = @_;
		my ($out, $err);
		IPC::Run::run([ 'psql', '-X', '-A', '-t', '-h', $tmp, '-p', $port, '-U', $user, '-d', $database,
				'-c', $sql ], '>', \$out, '2>', \$err);
		chomp $out;
		diag $err if $err;
		return $out;
	};
	my %config = map { (split /\|/)[ 0, 1 ] } split /\n/, $ask->('pgbouncer', 'postgres', 'SHOW CONFIG');
	is($config{auth_type}, 'any', 'what stands before the fragment stays');
	is($config{query_wait_timeout}, 600, 'and what it says comes to be');
	my %size = map { (split /\|/)[ 0, 5 ] } split /\n/, $ask->('pgbouncer', 'postgres', 'SHOW DATABASES');
	for my $pool (@{ $advice->{pools} })
	{
		is($size{ $pool->{pool} }, $pool->{lane}{size}, "pool size of $pool->{pool}");
	}
	is($ask->('emergency', 'anybody', 'SELECT current_user, current_database()'),
		'emergency_app|hospital', 'the alias leads to its database and user');
	is($ask->('reporting', 'anybody', 'SHOW statement_timeout'), '63s', 'and so to its timeout');

	rename "$tmp/lanes-saturated.ini", "$tmp/lanes.ini";
	$ask->('pgbouncer', 'postgres', 'RELOAD');
	%size = map { (split /\|/)[ 0, 5 ] } split /\n/, $ask->('pgbouncer', 'postgres', 'SHOW DATABASES');
	is($size{reporting}, 1, 'RELOAD narrows the bulk lanes of a saturated server');
	is($size{emergency}, $advice->{pools}[0]{lane}{size}, 'and leaves the emergency lane alone');

	my $log = slurp_file("$tmp/pgbouncer.log");
	unlike($log, qr/ERROR|FATAL|unknown|invalid/i, 'PgBouncer has nothing to say against it');
	kill 'TERM', slurp_file("$tmp/pgbouncer.pid");
}

$node->stop;
done_testing();

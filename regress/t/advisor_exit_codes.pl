# The advisor's exit status and messages: what a script can rely on.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Advisor;
use PostgreSQL::Test::Utils;
use Test::More;

my ($status, $stdout, $stderr);

# 2: usage
for my $wrong ([], ['frobnicate'], [ 'check', '--frobnicate' ], [ 'report', '--format', 'xml' ],
	[ 'indexes', '--budget', 'ten' ], [ 'indexes', '--max', '0' ], [ 'indexes', '--yes' ],
	[ 'indexes', '--apply', '--migration', 'sql' ], [ 'indexes', '--migration', 'perl' ],
	[ 'check', '-d', 'nonsense=1' ])
{
	($status, $stdout, $stderr) = advisor(undef, @$wrong);
	is($status, 2, "usage: pg_triage @$wrong");
	like($stderr, qr/^pg_triage: error: /, 'says so as PostgreSQL does');
	is($stdout, '', 'and prints no data');
}

# 0: help and version need no server
for my $command (undef, 'report', 'indexes', 'check')
{
	my $name = $command // 'pg_triage';
	($status, $stdout, $stderr) = advisor(undef, grep { defined } $command, '--help');
	is($status, 0, "$name --help");
	like($stdout, qr/\bpg_triage .*\[OPTIONS\]/, "$name --help shows usage");
	like($stdout, qr/--format/, "$name --help shows the options that are shared");
}
($status, $stdout) = advisor(undef, '--version');
is($status, 0, '--version');
like($stdout, qr/^pg_triage \d+\.\d+/, 'tells the version');

# 3: no server, no database, no extension, no privilege
my $nowhere = PostgreSQL::Test::Utils::tempdir();
for my $command (qw(check report indexes))
{
	($status, $stdout, $stderr) = advisor(undef, $command, '-h', $nowhere, '-d', 'postgres');
	is($status, 3, "$command without a server");
	like($stderr, qr/^pg_triage: error: .*\Q$nowhere\E.*\npg_triage: detail: Is the server/, 'says where');
}

my $node = new_clinic('exit_codes');
$node->safe_psql('postgres', 'CREATE DATABASE bare; CREATE ROLE stranger LOGIN; CREATE ROLE guest LOGIN;
	GRANT triage_reader TO guest');

($status, $stdout, $stderr) = advisor($node, 'check', '-d', 'nowhere');
is($status, 3, 'no such database');
like($stderr, qr/database "nowhere" does not exist/, 'says which');

for my $command (qw(check report indexes))
{
	($status, $stdout, $stderr) = advisor($node, $command, '-d', 'bare');
	is($status, 3, "$command without the extension");
	like($stderr, qr/extension "pg_triage" is not installed in database "bare"/, 'says so');
	like($stderr, qr/hint: Run CREATE EXTENSION pg_triage/, 'and what to do');

	($status, $stdout, $stderr) = advisor($node, $command, '-U', 'stranger');
	is($status, 3, "$command without privileges");
	like($stderr, qr/permission denied/, 'says so');
}

# 0 and 1: targets
($status, $stdout) = advisor($node, 'report', '-U', 'guest');
is($status, 0, 'triage_reader may have the report');
load_clinic($node);
# The machine's own load is not what is tested here.
$node->safe_psql('postgres', q{DELETE FROM triage.targets WHERE measure IN ('cpu', 'memory')});
($status, $stdout) = advisor($node, 'check', '-U', 'guest');
is($status, 0, 'every target is met');
like($stdout, qr/^p95 +pass /m, 'p95 is met on evidence');
like($stdout, qr/^throughput +no evidence /m, 'a rate that was never asked for is no failure');
like($stdout, qr/^\d+ passed, 0 failed, \d+ without evidence$/m, 'counts');

$node->safe_psql('postgres', q{UPDATE triage.targets SET limit_value = 0.0001 WHERE target = 'patient_lookup'});
($status, $stdout) = advisor($node, 'check');
is($status, 1, 'a target is missed');
like($stdout, qr/^patient_lookup +FAIL /m, 'says which');
($status) = advisor($node, 'check', '--severity', 'critical');
is($status, 0, 'it is not a critical one');
($status, $stdout) = advisor($node, 'check', '--format', 'json');
is($status, 1, 'whatever the format');
like($stdout, qr/"passed": false/, 'JSON says so');
is( $node->safe_psql('postgres', q{SELECT count(*) FROM triage.audit_log WHERE action = 'change_target' AND object = 'patient_lookup'}),
	'1', 'the audit trail knows that the target was changed');

# 4: an action failed
($status, $stdout, $stderr) = advisor($node, 'report', '-o', "$nowhere/no/such/file");
is($status, 4, 'the output cannot be written');
like($stderr, qr/could not create file/, 'says so');

# 4: Ctrl-C cancels what runs on the server
my $waits = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'pg_triage' AND wait_event_type = 'Lock'};
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE triage.targets;');
my $interrupted = start_advisor($node, 'check');
ok($node->poll_query_until('postgres', $waits), 'a query waits');
($status, $stdout, $stderr) = $interrupted->('INT');
is($status, 4, 'Ctrl-C ends it');
is($stderr, "pg_triage: error: canceled by user\n", 'says so');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_triage'}),
	'0', 'and leaves nothing behind');
$holder->quit;

$node->stop;
done_testing();

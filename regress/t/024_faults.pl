# Failures on demand at every point of every hook: each user statement succeeds with the result it always
# has, ten thousand times a point, and what could not be sampled is counted. Needs a build with
# `make FAULTS=1` (make check FAULTS=1); TRIAGE_FAULT_STATEMENTS is the number of statements a point.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
if ($node->safe_psql('postgres', q{SELECT count(*) FROM pg_settings WHERE name = 'pg_triage.fault'}) eq '0')
{
	$node->stop;
	plan skip_all => 'not built with make FAULTS=1';
}

$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, ward text, active bool, visits int DEFAULT 0);
CREATE TABLE stays (id int PRIMARY KEY, patient_id int, ended date);
INSERT INTO patients SELECT g, 'ward ' || g % 5, g % 10 = 0 FROM generate_series(1, 200) g;
INSERT INTO stays SELECT g, g % 200 + 1, CASE WHEN g % 3 = 0 THEN date '2026-01-01' END FROM generate_series(1, 600) g;
CREATE INDEX ON stays (patient_id);
CREATE INDEX ON patients (ward) WHERE active;
CREATE FUNCTION stays_of(wanted int) RETURNS bigint LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT count(*) FROM stays WHERE patient_id = wanted); END $$;
ANALYZE;
});

# Seven statements (the nested one counts, BEGIN and ROLLBACK do not), each with the result that it must have.
my $script = $node->basedir . '/statements.sql';
append_to_file($script, q{
\set id random(1, 200)
SELECT count(*) AS n FROM patients WHERE ward = 'ward 1' AND active IN (true, false) \gset
\if :n <> 40
SELECT 1 / 0;
\endif
SELECT count(*) AS n, max(p.id) AS id2 FROM patients p JOIN stays s ON s.patient_id = p.id WHERE p.id = :id AND s.id >= 0 \gset
\if :n <> 3 OR :id2 <> :id
SELECT 1 / 0;
\endif
SELECT stays_of(:id) AS n \gset
\if :n <> 3
SELECT 1 / 0;
\endif
BEGIN;
UPDATE patients SET visits = visits + 1 WHERE id = :id RETURNING id AS n \gset
\if :n <> :id
SELECT 1 / 0;
\endif
INSERT INTO stays SELECT -1 - :client_id::int, :id::int WHERE NOT EXISTS (SELECT FROM patients WHERE id = 0);
SELECT count(*) AS n FROM stays WHERE id = -1 - :client_id::int AND ended IS NULL \gset
\if :n <> 1
SELECT 1 / 0;
\endif
ROLLBACK;
});
my $statements_a_run = 7;
my $clients = 2;

sub losses
{
	return $node->safe_psql('postgres',
		q{SELECT string_agg(detail, ', ' ORDER BY "check") FROM triage.self_check() WHERE "check" IN ('nothing was dropped', 'samples succeed')});
}

sub run_load
{
	my ($statements, $mode, @settings) = @_;
	local $ENV{PGOPTIONS} = join(' ', map { "-c $_" } @settings);
	return run_command(['pgbench', '-n', '-M', $mode, '-c', $clients, '-t', int($statements / $statements_a_run / $clients) + 1,
		'-f', $script, '-h', $node->host, '-p', $node->port, 'postgres']);
}

my ($out, $err) = run_load(100, 'simple');
like($out, qr/number of failed transactions: 0 /, 'without a fault the statements have their results') or diag $err;
unlike(losses(), qr/[a-z] (?:statements|plans|scans)|failed/, 'and nothing is lost but where two sessions met in one slot: ' . losses());

my %counted = (
	statement_full => qr/executions of statements/,
	statement_busy => qr/for a busy slot/,
	plan_full => qr/executions of plans/,
	scan_full => qr/scans/,
	scan_busy => qr/for a busy slot/,
	total_out_of_memory => qr/executions of statements/,
	sample_out_of_memory => qr/samples failed/,
	scan_out_of_memory => qr/scans of very large plans/,
	schema_error => qr/samples failed/,
	operator_error => qr/samples failed/,
	column_error => qr/samples failed/,
	statistics_error => qr/samples failed/);

# Every point that the build has is tested.
my $points = $node->safe_psql('postgres', q{SELECT array_to_string(enumvals, ' ') FROM pg_settings WHERE name = 'pg_triage.fault'});
is(join(' ', sort split / /, $points), join(' ', sort('none', 'cancel', keys %counted)), 'the points of the build');

my $statements = $ENV{TRIAGE_FAULT_STATEMENTS} || 10_000;
foreach my $point (sort keys %counted)
{
	$node->safe_psql('postgres', 'SELECT triage.reset()');
	foreach my $mode ('simple', 'prepared')
	{
		# Where pg_stat_statements measures, too, there is nothing left to allocate.
		my @settings = ("pg_triage.fault=$point", $point eq 'total_out_of_memory' ? 'pg_stat_statements.track=none' : ());
		($out, $err) = run_load($statements / 2, $mode, @settings);
		like($out, qr/number of failed transactions: 0 /, "$point: no statement fails or changes ($mode)") or diag $err;
		unlike($err, qr/aborted/, "$point: no session ends ($mode)");
	}
	like(losses(), $counted{$point}, "$point: it is counted: " . losses());
	next if $point ne 'statement_full';
	my ($lost) = losses() =~ /(\d+) executions of statements/;
	is($lost, 2 * $clients * (int($statements / 2 / $statements_a_run / $clients) + 1) * $statements_a_run,
		"$point: each execution is counted as lost once");
}

# A cancel is the user's own: his statement is cancelled, and nothing else happens.
$node->safe_psql('postgres', 'SELECT triage.reset()');
my $query = 'SELECT count(*) FROM patients WHERE visits >= 0;';
($out, $err) = ('', '');
$node->psql('postgres', "SET pg_triage.fault = cancel;\n" . "$query\n" x 1000 . "RESET pg_triage.fault;\n$query\n",
	on_error_stop => 0, stdout => \$out, stderr => \$err);
is(scalar(() = $err =~ /ERROR:  canceling statement due to user request/g), 1000, 'cancel: each statement is cancelled');
is(scalar(() = $err =~ /(?:WARNING|FATAL|PANIC|XX000)/g), 0, 'cancel: and nothing else happens');
is($out, '200', 'cancel: the session goes on');

my $log = slurp_file($node->logfile);
unlike($log, qr/(?:WARNING|FATAL|PANIC):/, 'no leak, no crash in the log');
$node->stop;
done_testing();

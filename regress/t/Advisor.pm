# What the tests of the advisor share: its program, a server with a small clinic, a load on it.
package Advisor;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(new_clinic load_clinic advisor start_advisor);

my $here = abs_path(dirname(__FILE__));
# As it was said, else as it was built in this tree, else as it was installed beside psql.
my ($program) = grep { -x } $ENV{PG_TRIAGE_BIN} || (),
  "$here/../../build/advisor/pg_triage", map { "$_/pg_triage" } split /:/, $ENV{PATH};

# A server with the extension, and a table whose lookups want a partial index.
sub new_clinic
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	# Otherwise the cluster has it already.
	$node->append_conf('postgresql.conf', slurp_file("$here/../pg_triage.conf")) unless $ENV{TEMP_CONFIG};
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION pg_triage CASCADE;
		CREATE TABLE public.patient_records (
			id int PRIMARY KEY, mrn int NOT NULL, active boolean NOT NULL, note text);
		INSERT INTO patient_records
		SELECT i, 10 * i, i % 4 = 0, repeat('x', 40) FROM generate_series(1, 40000) i;
		VACUUM ANALYZE patient_records;});
	return $node;
}

sub load_clinic
{
	my ($node) = @_;
	my $script = $node->basedir . '/lookup.sql';
	append_to_file($script, <<'END');
\set mrn 40 * random(1, 10000)
SELECT id, note FROM patient_records WHERE mrn = :mrn AND active;
END
	$node->command_ok([ 'pgbench', '-n', '-M', 'prepared', '-t', '300', '-f', $script, 'postgres' ],
		'patients are looked up');
	unlink $script;
}

# Runs the advisor against the server (undef: against none); gives exit status, stdout and stderr.
sub advisor
{
	return start_advisor(@_)->();
}

# The same without waiting: gives a function that sends a signal, if one is named, and waits.
sub start_advisor
{
	my ($node, @arguments) = @_;
	die "found no pg_triage: make advisor, or set PG_TRIAGE_BIN\n" unless $program;
	my ($stdout, $stderr) = ('', '');
	local %ENV = %ENV;
	delete @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE PGSERVICE PGAPPNAME PG_COLOR)};
	@ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres') if $node;
	my $harness = IPC::Run::start([ $program, @arguments ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	return sub {
		my ($signal) = @_;
		$harness->signal($signal) if $signal;
		$harness->finish;
		return ($harness->full_result >> 8, $stdout, $stderr);
	};
}

1;

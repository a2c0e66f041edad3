# What becomes of an index once it is built: kept if its statements got faster, taken back if it was for
# nothing, by the latencies of real statements before and after.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
pg_triage.verify_duration = 2s
autovacuum = off
log_statement = none
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text, ward int);
INSERT INTO patients SELECT g, 'M' || g, g % 50 FROM generate_series(1, 30000) g;
ANALYZE patients;
});

my $by_mrn = q{SELECT id FROM patients WHERE mrn = 'M%d'};
my $by_range = q{SELECT count(*) FROM patients WHERE id < %d AND ward = 3};

# Runs the statement for each of the numbers, in one session.
sub run_statements
{
	my ($statement, @numbers) = @_;
	$node->safe_psql('postgres', join('', map { sprintf($statement, $_) . ";\n" } @numbers));
}

# Recommends and builds an index for statements of which pg_stat_statements has the pattern.
sub build
{
	my ($ddl, $pattern) = @_;
	my $recommendation = $node->safe_psql('postgres', qq{
INSERT INTO triage.recommendations (fingerprint, rank, relation, ddl, kind, size_bytes, cost_before,
    cost_after, improvement, write_cost, queries, queryids, generic_plan_ok, reason)
SELECT '$ddl', 1, 'patients', '$ddl', 'btree', 8192, 10, 1, 0.9, 0, 1, array_agg(queryid), true, 'test'
  FROM pg_stat_statements WHERE query LIKE '$pattern' RETURNING id});
	my $job = $node->safe_psql('postgres', "SELECT triage.create_index($recommendation)");
	$node->safe_psql('postgres', "CALL triage.wait_for_job($job, verified => false)");
	return $job;
}

sub outcome
{
	my ($job) = @_;
	$node->safe_psql('postgres', "CALL triage.wait_for_job($job, '2 minutes')");
	return $node->safe_psql('postgres',
		"SELECT j.status, r.status FROM triage.jobs j JOIN triage.recommendations r ON r.id = j.recommendation_id WHERE j.id = $job");
}

sub figure { return $node->safe_psql('postgres', "SELECT $_[1] FROM triage.jobs WHERE id = $_[0]"); }

# Faster.
run_statements($by_mrn, 1 .. 300);
my $job = build('CREATE INDEX helps ON public.patients (mrn)', 'SELECT id FROM patients WHERE mrn%');
run_statements($by_mrn, 1 .. 300);
is(outcome($job), 'kept|built', 'an index that helps is kept');
like(figure($job, 'verdict'), qr/faster: mean .* ms before, .* ms after, over 300 executions/,
	'and the verdict says how much it helps');
is(figure($job, 'before_ms > 2 * after_ms AND before_p95_ms > after_p95_ms AND improvement > 0.5'),
	't', 'the figures agree');

# Never used.
run_statements($by_mrn, 1 .. 300);
$job = build('CREATE INDEX idle ON public.patients (ward, mrn) WHERE id < 0', 'SELECT id FROM patients WHERE mrn%');
run_statements($by_mrn, 1 .. 300);
is(outcome($job), 'reverted|reverted', 'an index that nobody uses is taken back');
like(figure($job, 'verdict'), qr/not used/, 'and the verdict says why');
is($node->safe_psql('postgres', q{SELECT to_regclass('idle') IS NULL}), 't', 'it is gone');

# Slower, for whatever reason.
run_statements($by_range, (2) x 300);
$job = build('CREATE INDEX hurts ON public.patients (ward, id)', 'SELECT count(*) FROM patients WHERE id%');
$node->safe_psql('postgres', 'DROP INDEX IF EXISTS nothing');
run_statements($by_range, (30000) x 300);
is(outcome($job), 'reverted|reverted', 'an index whose statements got slower is taken back');
like(figure($job, 'verdict'), qr/slower/, 'and the verdict says so');

# Hardly ever asked for: what was not measured is not shown as nothing.
$job = build('CREATE INDEX rare ON public.patients (ward)', 'SELECT count(*) FROM patients WHERE id%');
run_statements($by_range, 2 .. 5);
is(outcome($job), 'kept|built', 'an index with too little evidence is kept');
like(figure($job, 'verdict'), qr/too little evidence/, 'and the verdict admits it');
is(figure($job, 'before_ms IS NULL AND after_ms IS NULL AND improvement IS NULL'), 't',
	'without figures that nobody measured');

# The verification can be cut short, and a verdict outlives a crash.
$node->append_conf('postgresql.conf', "pg_triage.verify_duration = 1h\n");
$node->reload;
$job = build('CREATE INDEX watched ON public.patients (ward, id)', 'SELECT count(*) FROM patients WHERE id%');
is(figure($job, 'status'), 'verifying', 'an index is watched for pg_triage.verify_duration');
$node->stop('immediate');
$node->start;
is(figure($job, 'status'), 'verifying', 'also after a crash');
is($node->safe_psql('postgres', "SELECT triage.cancel_job($job)"), 't', 'the verification is cancelled');
is(outcome($job), 'kept|built', 'which keeps the index');

# What was asked is in none of it.
is($node->safe_psql('postgres', q{
SELECT count(*) FROM (SELECT j::text FROM triage.job j UNION ALL SELECT s::text FROM triage.job_statements s
                      UNION ALL SELECT a::text FROM triage.audit_log a) everything(text) WHERE text LIKE '%M299%'}),
	'0', 'no literal of a statement gets into jobs, histograms or the audit trail');

$node->stop;
done_testing();

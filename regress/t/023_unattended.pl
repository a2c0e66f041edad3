# What happens when nobody looks: indexes that are built by themselves, within their budget, where no worker
# can start, where the disk is too small, and through a dump.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
autovacuum = off
pg_triage.auto_index = recommend
pg_triage.verify_duration = 1s
pg_triage.refresh_interval = 10s
max_logical_replication_workers = 0
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text, ward int);
INSERT INTO patients SELECT g, 'M' || g, g % 50 FROM generate_series(1, 50000) g;
ANALYZE patients;
});

sub ask { return $node->safe_psql('postgres', "SELECT triage.ensure_index('$_[0]')"); }

# Recommended is not built, and what is built stays within the budget.
$node->safe_psql('postgres', join('', map { "SELECT ward FROM patients WHERE mrn = 'M$_';\n" } 1 .. 200));
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM triage.recommendations WHERE status = 'open'})
  or die 'nothing is recommended';
$node->append_conf('postgresql.conf', q{
pg_triage.auto_index = create
pg_triage.storage_budget = 0
});
$node->reload;
$node->poll_query_until('postgres',
	q{SELECT count(*) = 0 FROM triage.recommendations WHERE status = 'open'})
  or die 'the recommendations do not heed the budget';
is($node->safe_psql('postgres', q{SELECT count(*) FROM triage.jobs}), '0', 'no index is built that the budget has no room for');
$node->append_conf('postgresql.conf', 'pg_triage.storage_budget = -1');
$node->reload;
ok($node->poll_query_until('postgres',
		q{SELECT count(*) > 0 FROM triage.jobs WHERE recommendation_id IS NOT NULL AND status IN ('verifying', 'kept')}),
	'a recommended index is built by itself with pg_triage.auto_index = create');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_index WHERE indrelid = 'patients'::regclass AND indisvalid}),
	'2', 'and valid');
like($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT actor, ',') FROM triage.audit_log WHERE action = 'queued'}),
	qr/./, 'the audit trail names who asked');
$node->append_conf('postgresql.conf', 'pg_triage.auto_index = off');
$node->reload;

# A disk that is too small is said so, and the job tries again until there is room.
my $recommendation = $node->safe_psql('postgres', q{
INSERT INTO triage.recommendations (fingerprint, rank, relation, ddl, kind, size_bytes, cost_before, cost_after,
    improvement, write_cost, queries, generic_plan_ok, reason)
VALUES ('huge', 1, 'patients', 'CREATE INDEX huge ON public.patients (ward)', 'btree', 1::bigint << 60, 10, 1, 0.9, 0,
    1, true, 'test') RETURNING id});
my $job = $node->safe_psql('postgres', "SELECT triage.create_index($recommendation)");
$node->poll_query_until('postgres', "SELECT attempts > 0 AND status = 'queued' FROM triage.jobs WHERE id = $job")
  or die 'the job was not tried';
is($node->safe_psql('postgres',
		"SELECT sqlstate, error ~ '^not enough disk space for the index: about \\d+ MB expected, \\d+ MB free' FROM triage.jobs WHERE id = $job"),
	'53100|t', 'an index that does not fit is not begun');
is($node->safe_psql('postgres', q{SELECT to_regclass('huge') IS NULL}), 't', 'and nothing is left of it');
$node->safe_psql('postgres', "SELECT triage.cancel_job($job)");

# Free space is looked for where the index will be.
my $tablespace = $node->basedir . '/other';
mkdir $tablespace or die "$tablespace: $!";
$node->safe_psql('postgres', "CREATE TABLESPACE other LOCATION '$tablespace'");
$job = ask('CREATE INDEX elsewhere ON patients (ward) TABLESPACE other');
$node->safe_psql('postgres', "CALL triage.wait_for_job($job)");
is($node->safe_psql('postgres', q{
SELECT t.spcname FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid = 'elsewhere'::regclass}),
	'other', 'an index is built in the tablespace that was asked for');
$node->safe_psql('postgres', 'DROP INDEX elsewhere');

# A dump keeps the audit trail, and no id of a job comes twice.
my ($dump) = run_command([ 'pg_dump', '--dbname', $node->connstr('postgres') ]);
my $last = $node->safe_psql('postgres', 'SELECT max(id) FROM triage.job');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $file = $node->basedir . '/dump.sql';
append_to_file($file, $dump);
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $file ],
	'a dump of the database restores');
is($node->safe_psql('restored', q{SELECT count(*) > 0 FROM triage.audit_log}), 't', 'with the audit trail');
is($node->safe_psql('restored', "SELECT triage.ensure_index('CREATE INDEX ON patients (ward)') > $last"),
	't', 'and further jobs have further ids');

# No slot for a worker: said once in the log, and the job waits for its turn.
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
$job = ask('CREATE INDEX patient ON patients (ward, id)');
ok($node->wait_for_log(qr/cannot start a worker: no background worker slot is free/),
	'that no worker can start stands in the log');
is($node->safe_psql('postgres', "SELECT status FROM triage.jobs WHERE id = $job"), 'queued', 'the job waits');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
$node->safe_psql('postgres', "CALL triage.wait_for_job($job)");
is($node->safe_psql('postgres', "SELECT status FROM triage.jobs WHERE id = $job"), 'kept', 'and is built when one can');

$node->stop;
done_testing();

# Index builds that are killed, cancelled, blocked or switched off: whatever happens, no invalid index
# stays, and the job ends as it should.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
pg_triage.lock_timeout = 500ms
restart_after_crash = on
autovacuum = off
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text);
INSERT INTO patients SELECT g, 'M' || g FROM generate_series(1, 5000) g;
});

sub ask { return $node->safe_psql('postgres', "SELECT triage.ensure_index('$_[0]')"); }

sub job { return $node->safe_psql('postgres', "SELECT $_[1] FROM triage.jobs WHERE id = $_[0]"); }

# Returns what the waiting script is told if the job did not succeed.
sub wait_for_job
{
	my ($status, $out, $err) =
	  $node->psql('postgres', "CALL triage.wait_for_job($_[0], '3 minutes')");
	return $err;
}

sub wait_for_phase
{
	my ($job, $phase) = @_;
	return $node->poll_query_until('postgres',
		"SELECT phase LIKE '$phase' FROM triage.jobs WHERE id = $job");
}

# A transaction that a build has to wait for.
sub open_writer
{
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN; UPDATE patients SET mrn = mrn WHERE id = 1;');
	return $session;
}

# The session may be gone with the server.
sub close_session
{
	my ($session) = @_;
	eval { $session->quit; };
}

sub indexes
{
	return $node->safe_psql('postgres', q{
SELECT string_agg(indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END, ' '
                  ORDER BY indexrelid::regclass::text)
  FROM pg_index WHERE indrelid = 'patients'::regclass});
}

sub drop_index
{
	wait_for_job($node->safe_psql('postgres', "SELECT triage.drop_index('$_[0]')"));
}

# The worker is killed while its build waits for an open transaction. The server restarts by itself.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX killed ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	is(indexes(), 'killed INVALID patients_pkey', 'a build that waits has left an index half done');
	my $worker = $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_triage build worker'");
	kill('KILL', $worker);
	close_session($writer);
	ok($node->poll_query_until('postgres', 'SELECT true'), 'the server is back after kill -9');
	is(wait_for_job($job), '', 'the job of the killed worker succeeds');
	is(indexes(), 'killed patients_pkey', 'nothing invalid is left by the killed worker');
	is(job($job, 'status, attempts'), 'kept|2', 'the build was made again, once');
	drop_index('killed');
}

# The whole server goes down in mid-build.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX crashed ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	$node->stop('immediate');
	close_session($writer);
	$node->start;
	is(wait_for_job($job), '', 'the job succeeds after a crash of the server');
	is(indexes(), 'crashed patients_pkey', 'nothing invalid is left by the crash');
	drop_index('crashed');
}

# An orderly restart is no crash, but interrupts the build all the same.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX restarted ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	$node->stop('fast');
	close_session($writer);
	$node->start;
	is(wait_for_job($job), '', 'the job succeeds after a restart of the server');
	is(indexes(), 'patients_pkey restarted', 'nothing invalid is left by the restart');
	drop_index('restarted');
}

# A cancel that a crash overtakes is still a cancel.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX cancelled ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	is($node->safe_psql('postgres', "SELECT triage.cancel_job($job)"), 't', 'cancel in mid-build');
	wait_for_phase($job, 'cleaning up');
	$node->stop('immediate');
	close_session($writer);
	$node->start;
	like(wait_for_job($job), qr/job $job was cancelled/, 'a cancelled job says so to who waits');
	is(indexes(), 'patients_pkey', 'nothing is left by the cancelled build');
}

# A cancel that is rolled back cancels nothing.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX spared ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	$node->safe_psql('postgres', "BEGIN; SELECT triage.cancel_job($job); ROLLBACK;");
	$node->safe_psql('postgres',
		"BEGIN; SAVEPOINT s; SELECT triage.cancel_job($job); ROLLBACK TO s; COMMIT;");
	$writer->query_safe('COMMIT');
	is(wait_for_job($job), '', 'a rolled-back cancel changes nothing');
	is(job($job, 'status, attempts'), 'kept|1', 'nor does it interrupt the build');
	close_session($writer);
	drop_index('spared');
}

# A queued job is cancelled before it begins.
{
	$node->append_conf('postgresql.conf', sprintf("pg_triage.build_window = '%02d:00-%02d:01'\n",
		((gmtime)[2] + 12) % 24, ((gmtime)[2] + 12) % 24));
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
	$node->reload;
	my $job = ask('CREATE INDEX outside ON patients (mrn)');
	sleep(1);
	is(job($job, 'status, attempts'), 'queued|0', 'no build outside the build window');
	is($node->safe_psql('postgres', "SELECT triage.cancel_job($job)"), 't', 'cancel while queued');
	is(job($job, 'status'), 'cancelled', 'a queued job is cancelled at once');
	is($node->safe_psql('postgres', "SELECT triage.cancel_job($job)"), 'f', 'and only once');
	$node->append_conf('postgresql.conf', "pg_triage.build_window = ''\n");
	$node->reload;
}

# A lock that is held for long delays the build and nothing else.
{
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; LOCK TABLE patients IN SHARE UPDATE EXCLUSIVE MODE;');
	my $job = ask('CREATE INDEX delayed ON patients (mrn)');
	ok($node->poll_query_until('postgres',
			"SELECT attempts >= 2 FROM triage.jobs WHERE id = $job"), 'tries again after lock_timeout');
	$node->safe_psql('postgres', q{SET statement_timeout = '10s'; UPDATE patients SET mrn = mrn WHERE id = 2});
	$holder->query_safe('COMMIT');
	is(wait_for_job($job), '', 'the delayed build succeeds');
	close_session($holder);
	drop_index('delayed');
}

# DDL that wants the table goes first: even in the transaction that the build waits for, which without
# that would be a deadlock.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX yielded ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	sleep(2); # longer than deadlock_timeout, so that the build's own check is over
	my $begin = time;
	my ($out, $failed) = $writer->query('ALTER TABLE patients ADD COLUMN note text;');
	ok(!$failed, 'ALTER TABLE in the transaction that a build waits for succeeds');
	$writer->query_safe('COMMIT');
	cmp_ok(time - $begin, '<', 20, 'and need not wait for the build');
	close_session($writer);
	is(wait_for_job($job), '', 'the build that gave way succeeds later');
	is(indexes(), 'patients_pkey yielded', 'with one valid index in the end');
	drop_index('yielded');
}

# The switch for emergencies.
{
	my $writer = open_writer();
	my $job = ask('CREATE INDEX switched ON patients (mrn)');
	wait_for_phase($job, 'waiting for writers%');
	$node->append_conf('postgresql.conf', "pg_triage.enabled = off\n");
	$node->reload;
	ok($node->poll_query_until('postgres', q{
SELECT NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE command LIKE 'CREATE%')}),
		'pg_triage.enabled = off stops the build');
	$writer->query_safe('COMMIT');
	close_session($writer);
	$node->append_conf('postgresql.conf', "pg_triage.enabled = on\n");
	$node->reload;
	is(wait_for_job($job), '', 'and on lets it go on');
	is(indexes(), 'patients_pkey switched', 'with one valid index in the end');
	drop_index('switched');
}

# Partitions: cancelled and killed when one of them has its index and another one's is half done.
{
	$node->safe_psql('postgres', q{
CREATE TABLE vitals (id int, patient int) PARTITION BY RANGE (id);
CREATE TABLE vitals_1 PARTITION OF vitals FOR VALUES FROM (0) TO (100);
CREATE TABLE vitals_2 PARTITION OF vitals FOR VALUES FROM (100) TO (200);
INSERT INTO vitals SELECT g, g FROM generate_series(1, 199) g;
CREATE VIEW vitals_indexes AS
SELECT string_agg(i.indexrelid::regclass || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END, ' '
                  ORDER BY i.indexrelid::regclass::text)
  FROM pg_partition_tree('vitals') t JOIN pg_index i ON i.indrelid = t.relid});
	my $half_done = 'vitals_1_patient_idx vitals_2_patient_idx INVALID';
	my $writer = $node->background_psql('postgres');
	$writer->query_safe('BEGIN; UPDATE vitals_2 SET patient = 0 WHERE id = 150;');
	my $job = ask('CREATE INDEX vitals_patient ON vitals (patient)');
	wait_for_phase($job, 'waiting for writers%partition 2 of 2');
	is($node->safe_psql('postgres', 'TABLE vitals_indexes'), $half_done, 'half of the partitions are done');
	$node->safe_psql('postgres', "SELECT triage.cancel_job($job)");
	$writer->query_safe('COMMIT');
	like(wait_for_job($job), qr/cancelled/, 'cancelled among the partitions');
	is($node->safe_psql('postgres', 'TABLE vitals_indexes'), '', 'no partition keeps its index');

	$writer->query_safe('BEGIN; UPDATE vitals_2 SET patient = 0 WHERE id = 150;');
	$job = ask('CREATE INDEX vitals_patient ON vitals (patient)');
	wait_for_phase($job, 'waiting for writers%partition 2 of 2');
	$node->stop('immediate');
	close_session($writer);
	$node->start;
	is(wait_for_job($job), '', 'a build among partitions goes on after a crash');
	is($node->safe_psql('postgres', 'TABLE vitals_indexes'),
		'vitals_1_patient_idx vitals_2_patient_idx vitals_patient', 'with what was done already');
	drop_index('vitals_patient');
	is($node->safe_psql('postgres', 'TABLE vitals_indexes'), '', 'and all of it is dropped at once');
}

# No worker stays in a database, so it can be dropped; and one that is new is served.
{
	$node->safe_psql('postgres', 'CREATE DATABASE other');
	$node->safe_psql('other', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE t (id int);
SELECT triage.ensure_index('CREATE INDEX ON t (id)');});
	$node->safe_psql('other', 'CALL triage.wait_for_job(1)');
	$node->safe_psql('postgres', 'DROP DATABASE other');
	pass('a database with jobs can be dropped');
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|segfault|signal 11/, 'nothing crashed by itself');
$node->stop;
done_testing();

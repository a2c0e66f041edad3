# pg_upgrade takes along what the extension keeps in tables, and labels; the statistics begin anew.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($old, $new) = map { PostgreSQL::Test::Cluster->new($_) } qw(old new);
foreach my $node ($old, $new) {
	$node->init;
	$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\n");
}
$old->start;
$old->safe_psql('postgres', q{
	CREATE EXTENSION pg_triage CASCADE;
	CREATE TABLE stays (id int PRIMARY KEY, patient int, note text);
	INSERT INTO stays SELECT g, g % 1000, repeat('x', 100) FROM generate_series(1, 30000) g;
	ANALYZE stays;
	SECURITY LABEL FOR pg_triage ON COLUMN stays.patient IS 'public';
	SELECT triage.set_data_class('stays', 'clinical_data');
	UPDATE triage.targets SET limit_value = 42 WHERE target = (SELECT min(target) FROM triage.targets WHERE measure = 'p95');
	CREATE ROLE ward_reader IN ROLE triage_reader});
$old->safe_psql('postgres', 'SELECT count(*) FROM stays WHERE patient = 7') foreach 1 .. 20;
$old->safe_psql('postgres', q{SELECT count(*) FROM triage.refresh_recommendations()});
my $job = $old->safe_psql('postgres', q{SELECT triage.create_index(id) FROM triage.recommendations ORDER BY id LIMIT 1});
$old->safe_psql('postgres', "CALL triage.wait_for_job($job, verified => false)");

# What is kept in tables, in words that hold in either cluster.
my $kept = q{
	SELECT 'recommendation ' || id || ' ' || status || ' ' || relation::text || ' ' || ddl FROM triage.recommendations
	UNION ALL SELECT 'class ' || relation::text || ' ' || class FROM triage.data_class_settings
	UNION ALL SELECT 'target ' || target || ' ' || limit_value FROM triage.targets WHERE changed_by IS NOT NULL
	UNION ALL SELECT 'label ' || objname || ' ' || label FROM pg_seclabels WHERE provider = 'pg_triage'
	UNION ALL SELECT 'audit ' || action || ' ' || count(*) FROM triage.audit_log GROUP BY action
	UNION ALL SELECT 'next job ' || last_value FROM triage.job_id_seq
	UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE tablename = 'stays'
	ORDER BY 1};
my $before = $old->safe_psql('postgres', $kept);
like($before, qr/^$_ /m, "there is a $_") foreach qw(recommendation class target label audit index);
$old->stop;

my $bindir = $new->config_data('--bindir');
command_ok([ 'pg_upgrade', '--no-sync', '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir,
		'--old-bindir', $bindir, '--new-bindir', $bindir, '--socketdir', $new->host,
		'--old-port', $old->port, '--new-port', $new->port ], 'pg_upgrade');
$new->start;
is($new->safe_psql('postgres', $kept), $before, 'what was kept in tables is there');

is($new->safe_psql('postgres', q{SELECT count(*) FROM triage.statements WHERE first_seen < pg_postmaster_start_time()}), '0',
	'statistics begin anew, without the statements of pg_upgrade');
is($new->safe_psql('postgres', q{SELECT pg_has_role('ward_reader', 'triage_reader', 'member')}), 't', 'a reader is still one');
my $next = $new->safe_psql('postgres', q{SELECT triage.ensure_index('CREATE INDEX ON stays (note, id)')});
cmp_ok($next, '>', $job, 'no job has the number of an earlier one');
$new->safe_psql('postgres', "CALL triage.wait_for_job($next, verified => false)");
is($new->safe_psql('postgres', q{SELECT count(*) FROM pg_indexes WHERE tablename = 'stays'}), '3', 'builds go on');
done_testing();

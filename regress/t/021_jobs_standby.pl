# On a standby nothing can be built: clear errors, and no worker that would try. After a promotion the
# new primary takes the jobs over.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\n");
$primary->start;
$primary->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text);
INSERT INTO patients SELECT g, 'M' || g FROM generate_series(1, 1000) g;
SELECT triage.ensure_index('CREATE INDEX ON patients (mrn)');
});
$primary->safe_psql('postgres', 'CALL triage.wait_for_job(1)');
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

foreach my $call (
	"triage.ensure_index('CREATE INDEX ON patients (id, mrn)')",
	"triage.drop_index('patients_mrn_idx')",
	'triage.undo(1)', 'triage.cancel_job(1)', 'triage.create_index(1)')
{
	my ($status, $out, $err) = $standby->psql('postgres', "SELECT $call");
	like($err, qr/ERROR: .*recovery.*HINT: .*primary/s, "$call is refused on a standby");
}
is($standby->safe_psql('postgres', 'SELECT status FROM triage.jobs'), 'kept',
	'jobs can be read on a standby');
is($standby->psql('postgres', 'CALL triage.wait_for_job(1)'), 0, 'and waited for');

# A job that waits for its window on the primary is there on the standby, and nobody touches it.
$primary->append_conf('postgresql.conf', sprintf("timezone = 'UTC'\npg_triage.build_window = '%02d:00-%02d:01'\n",
	((gmtime)[2] + 12) % 24, ((gmtime)[2] + 12) % 24));
$primary->reload;
my $job = $primary->safe_psql('postgres',
	"SELECT triage.ensure_index('CREATE INDEX later ON patients (id, mrn)')");
$primary->wait_for_catchup($standby);
sleep(2);
is($standby->safe_psql('postgres', "SELECT status FROM triage.jobs WHERE id = $job"), 'queued',
	'the standby leaves a queued job alone');
is($standby->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_triage%worker'}),
	'0', 'no worker runs in the databases of a standby');
is($standby->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_triage launcher'}),
	'1', 'the launcher keeps the statistics there');

$primary->stop('immediate');
$standby->promote;
is($standby->psql('postgres', "CALL triage.wait_for_job($job, '3 minutes')"), 0,
	'the promoted server builds what was queued');
is($standby->safe_psql('postgres', q{SELECT indisvalid FROM pg_index WHERE indexrelid = 'later'::regclass}),
	't', 'and the index is valid');
unlike(slurp_file($standby->logfile), qr/PANIC|TRAP|signal 11/, 'nothing crashed');
$standby->stop;
done_testing();

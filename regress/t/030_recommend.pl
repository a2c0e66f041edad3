# Recommendations where little is there: without preloading, on a standby, under a timeout.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum = off\n");
$primary->start;
$primary->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text, active bool, note text);
INSERT INTO patients SELECT i, 'M' || i, i % 10 = 0, repeat('x', 100) FROM generate_series(1, 30000) AS i;
ANALYZE patients;
SELECT triage.reset();
});
my $lookup = "SELECT * FROM patients WHERE mrn = 'M7' AND active";
my $texts = "SELECT ddl FROM triage.recommend_indexes(ARRAY[\$\$$lookup\$\$])";
my $observed = 'SELECT ddl FROM triage.recommend_indexes()';
my $wanted = 'CREATE INDEX CONCURRENTLY patients_mrn_where_active_idx ON public.patients USING btree (mrn) WHERE active';

$primary->safe_psql('postgres', $lookup) for 1 .. 5;
is($primary->safe_psql('postgres', $texts), $wanted, 'from a text');
is($primary->safe_psql('postgres', $observed), $wanted, 'from the observed workload');

# A standby observes for itself, and keeps nothing.
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $texts), $wanted, 'from a text, on a standby');
$standby->safe_psql('postgres', $lookup) for 1 .. 5;
is($standby->safe_psql('postgres', $observed), $wanted, 'from what the standby observed');
my ($status, $out, $err) = $standby->psql('postgres', 'SELECT * FROM triage.refresh_recommendations()');
like($err, qr/cannot execute triage.refresh_recommendations\(\) (?:in a read-only transaction|during recovery)/,
	'nothing is kept on a standby');
$standby->stop;

# While statistics change all the time, what was read of them while they changed is read again.
$primary->safe_psql('postgres', q{
CREATE TABLE busy AS SELECT i FROM generate_series(1, 10) AS i;
CREATE TABLE orders AS SELECT i, i % 40 AS ward, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END AS state, repeat('x', 100) AS note
  FROM generate_series(1, 30000) AS i;
ANALYZE orders;});
my $script = $primary->basedir . '/analyze.sql';
append_to_file($script, "ANALYZE busy;\n");
my $storm = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '600', '-f', $script, $primary->connstr('postgres') ],
	'>', \my $storm_out, '2>', \my $storm_err);
my $open = q{SELECT ddl FROM triage.recommend_indexes(ARRAY[$$SELECT note FROM orders WHERE ward = 3 AND state = 'open'$$])};
my $recommendations = $primary->safe_psql('postgres', join("\n", map { "$open;\n\\connect" } 1 .. 200));
$storm->signal('INT');
$storm->finish;
is_deeply([ grep { !/\(ward\).* WHERE \(state = 'open'::text\)$/ } split /\n/, $recommendations ], [], 'from a text, amid changing statistics');

# It can be interrupted, and leaves the session as it was.
my $many = join(' UNION ALL ', map { "SELECT p$_.id FROM patients p$_ JOIN patients q$_ ON q$_.active = p$_.active AND q$_.mrn = 'x$_'" } 1 .. 60);
($status, $out, $err) = $primary->psql('postgres', qq{
SET statement_timeout = '20ms';
SELECT count(*) FROM triage.recommend_indexes(ARRAY[\$\$$many\$\$]);
SET statement_timeout = 0;
$texts;
SHOW search_path;
SELECT current_user = session_user;}, on_error_stop => 0);
like($err, qr/canceling statement due to statement timeout/, 'a timeout stops it');
is($out, "$wanted\n\"\$user\", public\nt", 'and the session goes on');

# Without preloading there are only texts to go by.
$primary->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$primary->restart;
is($primary->safe_psql('postgres', $texts), $wanted, 'from a text, without preloading');
($status, $out, $err) = $primary->psql('postgres', "\\set VERBOSITY verbose\n$observed");
like($err, qr/ERROR:  55000: no statements have been observed\nDETAIL:  .*\nHINT:  .*shared_preload_libraries/,
	'the observed workload is missed, with a hint');

# Nor without pg_triage itself in memory at start, though pg_stat_statements is.
$primary->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\n");
$primary->restart;
$primary->safe_psql('postgres', $lookup) for 1 .. 5;
is($primary->safe_psql('postgres', $observed), $wanted, 'from the texts of pg_stat_statements alone');
$primary->stop;
done_testing();

# What-if away from the ordinary: without preloading, on a hot standby, under a timeout, many times over;
# and what it must not leave behind.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'pg_stat_statements'
autovacuum = off
jit = off
log_statement = none
log_min_error_statement = panic
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text NOT NULL, active boolean NOT NULL);
INSERT INTO patients SELECT g, 'M' || g, g % 20 = 0 FROM generate_series(1, 20000) g;
ANALYZE patients;
});

my $what_if = q{SELECT string_agg(mode || ':' || indexes_used::text, ' ' ORDER BY mode) FROM triage.what_if(
    'SELECT * FROM patients WHERE mrn = $1 AND active', ARRAY['CREATE INDEX i ON patients (mrn) WHERE active'])};
is($node->safe_psql('postgres', $what_if), 'custom:{i} generic:{i}', 'works without preloading');

# Asking about a statement is not running it.
$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()');
$node->safe_psql('postgres', q{SELECT FROM triage.what_if('SELECT ''canary'' FROM patients WHERE mrn = ''canary''', NULL)});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_statements WHERE query ~ 'canary|^SELECT \$1 FROM patients'}),
	'0', 'leaves no trace in pg_stat_statements');

# A message about a literal is the caller's; the log of ours does not repeat the statement.
my $log = -s $node->logfile;
$node->psql('postgres', q{SELECT FROM triage.what_if('SELECT nothing FROM patients WHERE mrn = ''canary''', NULL)});
$node->psql('postgres', q{SELECT FROM triage.what_if('SELECT FROM patients WHERE mrn = ''canary''', ARRAY['CREATE INDEX ON patients (mrn) WHERE mrn = ''canary'' AND nothing'])});
my $logged = slurp_file($node->logfile, $log);
like($logged, qr/column "nothing" does not exist/, 'errors are logged');
unlike($logged, qr/canary/, 'without literals');

# A plan that takes long can be cut short, and is not taken for one that is impossible.
my $tables = join(', ', map { "patients p$_" } 1 .. 14);
# On no unique column: PostgreSQL 18 takes such joins of a table with itself away.
my $joins = join(' AND ', map { "p$_.mrn = p1.mrn" } 2 .. 14);
my ($status, $out, $err) = (0, '', '');
$status = $node->psql('postgres', qq{
\\set VERBOSITY verbose
SET geqo = off; SET join_collapse_limit = 20; SET from_collapse_limit = 20;
SET statement_timeout = '100ms';
SELECT mode FROM triage.what_if('SELECT * FROM $tables WHERE $joins AND p1.mrn = \$1', ARRAY['CREATE INDEX ON patients (mrn)']);
}, on_error_stop => 1, stderr => \$err, stdout => \$out, timeout => 60);
isnt($status, 0, 'a timeout ends planning');
like($err, qr/57014/, 'as what it is');
unlike($err, qr/WARNING/, 'and nothing else');

# Nothing stays allocated.
my $used = q{SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name !~ 'Catcache|index info|relation'};
my $memory = $node->safe_psql('postgres', qq{
SELECT count(*) FROM generate_series(1, 200), LATERAL ($what_if) w \\g /dev/null
$used \\gset before_
SELECT count(*) FROM generate_series(1, 2000), LATERAL ($what_if OFFSET generate_series - generate_series) w \\g /dev/null
$used \\gset after_
SELECT :after_sum - :before_sum < 100000;
});
is($memory, 't', 'memory is given back');

# A hot standby: nothing is written, and what is planned may be a write.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', $what_if), 'custom:{i} generic:{i}', 'works on a standby');
is( $standby->safe_psql('postgres', q{SELECT indexes_used FROM triage.what_if(
        'UPDATE patients SET active = false WHERE mrn = ''M1''', ARRAY['CREATE INDEX i ON patients (mrn)'])}),
	'{i}', 'also for a statement that could not run there');
is($standby->safe_psql('postgres', q{SELECT bytes > 100000 FROM triage.estimate_index_size('CREATE INDEX ON patients (mrn)')}),
	't', 'sizes on a standby');
isnt($standby->psql('postgres', q{SELECT triage.assert_uses_index('SELECT * FROM patients WHERE mrn = $1')}, stderr => \$err),
	0, 'assertions on a standby');
like($err, qr/reads a large table without an index/, 'say the same');

$standby->stop;
$node->stop;
done_testing();

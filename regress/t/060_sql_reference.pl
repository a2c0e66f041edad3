# docs/sql-reference.md says what the extension has. As with pg_regress, what was really there is left beside
# the log, in build/check/tap-060_sql_reference/log/sql-reference.md, to be read and copied to docs/.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_triage CASCADE');
my ($written) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', 'tools/sql_reference.sql' ]);
my $kept = slurp_file('docs/sql-reference.md');
append_to_file("$ENV{TESTLOGDIR}/sql-reference.md", "$written\n");
chomp $kept;

my %of_kept = map { $_ => 1 } split /\n/, $kept;
my %of_written = map { $_ => 1 } split /\n/, $written;
is_deeply([ grep { !$of_kept{$_} } split /\n/, $written ], [], 'the reference lacks nothing');
is_deeply([ grep { !$of_written{$_} } split /\n/, $kept ], [], 'and has nothing that is not there');

# Every object of the extension is explained.
is($node->safe_psql('postgres', q{
SELECT string_agg(pg_describe_object(classid, objid, 0), ', ' ORDER BY 1)
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
 WHERE e.extname = 'pg_triage' AND d.deptype = 'e' AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
   AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = objid AND classid = 'pg_class'::regclass AND c.relkind NOT IN ('r', 'v'))
   AND obj_description(objid, classid::regclass::name) IS NULL}), '', 'every function, table and view has a comment');

$node->stop;
done_testing();

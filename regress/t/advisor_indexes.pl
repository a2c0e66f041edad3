# Recommended indexes: listed, written as migrations that run, and built.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Advisor;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_clinic('indexes');
$node->safe_psql('postgres', 'ALTER SYSTEM SET pg_triage.verify_duration = 2');
$node->reload;
my ($status, $stdout, $stderr);

($status, $stdout) = advisor($node, 'indexes');
is($status, 0, 'nothing to recommend is fine');
like($stdout, qr/There is nothing to recommend/, 'and said');
($status, $stdout, $stderr) = advisor($node, 'indexes', '--migration', 'sql');
is($status, 1, 'but there is no empty migration');
is($stdout, '', 'at all');

load_clinic($node);

($status, $stdout) = advisor($node, 'indexes', '--format', 'json');
is($status, 0, 'recommendations are worked out');
my $found = decode_json($stdout)->{recommendations};
is(scalar(@$found), 1, 'one is found');
is($found->[0]{id}, undef, 'without a number');
is($node->safe_psql('postgres', 'SELECT count(*) FROM triage.recommendations'), '0', 'nothing is written down');

($status, $stdout) = advisor($node, 'indexes', '--refresh', '--format', 'json');
is($status, 0, 'recommendations are kept');
like(decode_json($stdout)->{recommendations}[0]{id}, qr/^\d+$/, 'under a number');

($status, $stdout) = advisor($node, 'indexes', '--budget', '8kB');
like($stdout, qr/There is nothing to recommend/, 'a budget is kept to');

# Each is explained: whom it serves, how, at what price, and what is not known.
($status, $stdout) = advisor($node, 'indexes', '--explain');
is($status, 0, 'recommendations are explained');
like($stdout, qr/before\n *Seq Scan on patient_records .*after\n.*using patient_records_mrn\w* on patient_records/s,
	'by the plans before and after');
like($stdout, qr/calls so far; estimated cost of one/, 'by what the statement costs');
like($stdout, qr/Not known:.*planner's estimate/s, 'and what is not known is said');
unlike($stdout, qr/Filter|Index Cond/, 'no conditions are shown');
($status, $stdout) = advisor($node, 'indexes', '--explain', '--format', 'json');
my $explanation = decode_json($stdout)->{recommendations}[0]{explanation};
like($explanation->{statements}[0]{query}, qr/patient_records WHERE mrn = \$1/, 'the statement is shown without its values');

# A migration does what it says when psql runs it, twice, and its rollback takes it back.
my $directory = PostgreSQL::Test::Utils::tempdir();
my $indexes = q{SELECT count(*) FROM pg_index WHERE indrelid = 'patient_records'::regclass AND indisvalid};
($status) = advisor($node, 'indexes', '--migration', 'sql', '-o', "$directory/up.sql");
is($status, 0, 'a migration is written');
for my $time ('once', 'twice')
{
	$node->command_ok([ 'psql', '-X', '-q', '-d', 'postgres', '-f', "$directory/up.sql" ], "it runs $time");
	is($node->safe_psql('postgres', $indexes), '2', 'the index is there');
}
my ($index) = slurp_file("$directory/up.sql") =~ /IF NOT EXISTS (\w+) ON/;
$node->safe_psql('postgres', "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$index'::regclass");
$node->command_fails_like([ 'psql', '-X', '-q', '-d', 'postgres', '-f', "$directory/up.sql" ],
	qr/missing or invalid index: public\.$index/, 'an invalid leftover is not taken for an index');
my $rollback = join "\n", slurp_file("$directory/up.sql") =~ /^-- (DROP INDEX .*;)$/mg;
$node->safe_psql('postgres', $rollback);
is($node->safe_psql('postgres', $indexes), '1', 'the rollback takes it back');

# The other tools get what they can run.
for my $tool (qw(flyway rails django sqitch))
{
	mkdir "$directory/$tool";
	($status, $stdout) = advisor($node, 'indexes', '--migration', $tool, '-o', "$directory/$tool");
	is($status, 0, "a migration for $tool");
	is($stdout, '', 'goes to the directory');
}
my ($flyway) = glob("$directory/flyway/V*.sql");
like(slurp_file("$flyway.conf"), qr/^executeInTransaction=false$/m, 'Flyway is told to use no transaction');
my ($deploy) = glob("$directory/sqitch/deploy/*.sql");
my ($verify) = glob("$directory/sqitch/verify/*.sql");
my ($revert) = glob("$directory/sqitch/revert/*.sql");
$node->command_fails([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', '-f', $verify ], 'not deployed yet');
for my $script ($flyway, $revert, $deploy, $verify, $revert)
{
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', '-f', $script ],
		'runs: ' . substr($script, length $directory));
}
($status, $stdout, $stderr) = advisor($node, 'indexes', '--migration', 'sqitch', '-o', "$directory/one");
is($status, 2, 'three files do not fit into one');

# Dropping is another matter.
$node->safe_psql('postgres', 'CREATE INDEX lookup_again ON patient_records (id)');
($status, $stdout, $stderr) = advisor($node, 'indexes', '--drops');
is($status, 0, 'indexes that could be dropped');
like($stdout, qr/lookup_again on public\.patient_records: duplicate, .*DROP INDEX CONCURRENTLY public\.lookup_again;/s, 'are told');
($status, $stdout, $stderr) = advisor($node, 'indexes', '--drops', '--format', 'json');
is(decode_json($stdout)->{drops}[0]{served_by}, 'public.patient_records_pkey', 'and what serves instead');
$node->safe_psql('postgres', 'DROP INDEX lookup_again');
($status, $stdout) = advisor($node, 'indexes', '--drops');
like($stdout, qr/There are none/, 'or that there are none');

# Building asks first, and needs the right to.
($status, $stdout, $stderr) = advisor($node, 'indexes', '--apply');
is($status, 2, 'nobody is there to ask');
like($stderr, qr/hint: Use --yes/, 'says how to go on');
$node->safe_psql('postgres', 'CREATE ROLE guest LOGIN; GRANT triage_reader TO guest;
	CREATE ROLE operator LOGIN; GRANT triage_operator TO operator');
($status, $stdout, $stderr) = advisor($node, 'indexes', '--apply', '--yes', '-U', 'guest');
isnt($status, 0, 'a reader may not build');
like($stderr, qr/permission denied/, 'and is told so');

($status, $stdout, $stderr) = advisor($node, 'indexes', '--apply', '--yes', '--format', 'json', '-U', 'operator');
is($status, 0, 'an operator may');
my $jobs = decode_json($stdout)->{jobs};
is(scalar(@$jobs), 1, 'there was one job');
like($jobs->[0]{status}, qr/^(kept|reverted)$/, 'which came to a verdict');
like($stderr, qr/^pg_triage: \w+: $jobs->[0]{status}/m, 'which is told');
is($node->safe_psql('postgres', $indexes), $jobs->[0]{status} eq 'kept' ? '2' : '1', 'and is true');

($status, $stdout) = advisor($node, 'report');
like($stdout, qr/^ *\d+ +create\w* +$jobs->[0]{status} /m, 'the report tells what was done');

$node->stop;
done_testing();

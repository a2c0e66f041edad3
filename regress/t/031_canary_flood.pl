# A million canaries: private values in every form of statement that takes many of them, through each
# protocol, in errors that name them, in index definitions and in jobs, under log settings that write all
# of PostgreSQL's own. None may be found in what pg_triage shows, remembers or writes.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Canary;

my $mark = mark();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
autovacuum = off
fsync = off
max_wal_size = 4GB
log_line_prefix = '%b: '
log_error_verbosity = verbose
log_parameter_max_length_on_error = -1
pg_triage.sample_rate = 1
pg_triage.auto_index = recommend
pg_triage.refresh_interval = 10s
pg_triage.save_interval = 2s
pg_triage.verify_duration = 1s
});
$node->start;
$node->safe_psql('postgres', qq{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE visits (id bigint PRIMARY KEY, name text, ssn bigint CHECK (ssn > 0), kind text, note jsonb);
CREATE TABLE copied (name text, other text, ssn bigint);
INSERT INTO visits SELECT g, '${mark}n' || g % 5000, @{[ first_number() ]} + g, 'kind ' || g % 3, NULL FROM generate_series(1, 20000) g;
CREATE INDEX ON visits (name);
CREATE INDEX visits_private_idx ON visits (id) WHERE name = '${mark}n7';
CREATE FUNCTION look_up(names text[]) RETURNS bigint LANGUAGE plpgsql AS \$\$
DECLARE one text; found bigint := 0; n bigint;
BEGIN
    FOREACH one IN ARRAY names LOOP
        SELECT count(*) INTO n FROM visits WHERE name = one;
        found := found + n;
        EXECUTE format('SELECT count(*) FROM visits WHERE name = %L', one) INTO n;
        EXECUTE 'SELECT count(*) FROM visits WHERE name = \$1' INTO n USING one;
    END LOOP;
    RETURN found;
END
\$\$;
ANALYZE visits;
});

# ---- statements with many

sub quoted { return "'" . text_canary() . "'"; }
sub texts { my ($count) = @_; return join ', ', map { quoted() } 1 .. $count; }
sub integers { my ($count) = @_; return join ', ', map { number_canary() } 1 .. $count; }
sub bare_texts { my ($count) = @_; return join ',', map { text_canary() } 1 .. $count; }
sub pairs { my ($count) = @_; return join ', ', map { '(' . number_canary() . ', ' . quoted() . ')' } 1 .. $count; }

my $copied = PostgreSQL::Test::Utils::tempdir() . '/copied';
append_to_file($copied, join('', map { text_canary() . "\t" . text_canary() . "\t" . number_canary() . "\n" } 1 .. 120_000));

my @flood = (
	"\\copy copied FROM '$copied'",
	(map { "SELECT count(*) FROM visits WHERE name IN (" . texts(5000) . ');' } 1 .. 20),
	(map { "SELECT count(*) FROM visits WHERE ssn IN (" . integers(5000) . ');' } 1 .. 20),
	(map { "SELECT count(*) FROM visits WHERE name NOT IN (" . texts(1000) . ') AND ssn <> ALL (ARRAY[' . integers(1000) . ']);' } 1 .. 10),
	(map { "SELECT count(*) FROM visits WHERE name = ANY ('{" . bare_texts(10_000) . "}');" } 1 .. 20),
	(map { "SELECT count(*) FROM visits JOIN (VALUES " . pairs(2000) . ') AS v (ssn, name) USING (name);' } 1 .. 10),
	(map { "INSERT INTO visits (id, name) VALUES " . pairs(2000) . ' ON CONFLICT (id) DO UPDATE SET name = excluded.name || ' . quoted() . ';' } 1 .. 10),
	(map { "UPDATE visits SET name = v.name FROM (VALUES " . pairs(2000) . ') AS v (id, name) WHERE visits.id = v.id;' } 1 .. 10),
	(map { "MERGE INTO visits USING (VALUES " . pairs(1000) . ') AS v (id, name) ON visits.id = v.id WHEN MATCHED AND v.name <> ' . quoted() . ' THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN DO NOTHING;' } 1 .. 10),
	(map { "WITH gone AS (DELETE FROM visits WHERE id IN (" . integers(1000) . ') AND name > ' . quoted() . ' RETURNING *) SELECT count(*) FROM gone WHERE name <> ' . quoted() . ';' } 1 .. 10),
	(map { "SELECT count(*) FROM visits WHERE note \@> '" . '{"names": [' . join(', ', map { '"' . text_canary() . '"' } 1 .. 1000) . ']}' . "';" } 1 .. 10),
	(map { "SELECT look_up(ARRAY[" . texts(500) . ']);' } 1 .. 20),
	(map { "PREPARE p$_ (text[], bigint) AS SELECT count(*) FROM visits WHERE name = ANY (\$1) AND ssn > \$2;"
		  . join('', map { "EXECUTE p$_(ARRAY[" . texts(500) . '], ' . number_canary() . ');' } ($_) x 7) } 1 .. 10),
	# Of each kind of statement without a plan, a few.
	(map { (
		"SET myapp.patient = " . quoted() . ';',
		"NOTIFY visits, " . quoted() . ';',
		"COMMENT ON TABLE copied IS " . quoted() . ';',
		"CREATE TEMP TABLE t$_ (name text DEFAULT " . quoted() . ' CHECK (name <> ' . quoted() . '));',
		"CREATE VIEW v$_ AS SELECT * FROM visits WHERE name = " . quoted() . ';',
		"SELECT count(*) FROM v$_ WHERE ssn <> " . number_canary() . ';',
		"CREATE MATERIALIZED VIEW m$_ AS SELECT * FROM visits WHERE name = " . quoted() . '; REFRESH MATERIALIZED VIEW m' . $_ . ';',
		"CREATE TABLE part$_ (name text) PARTITION BY LIST (name); CREATE TABLE part${_}_1 PARTITION OF part$_ FOR VALUES IN (" . quoted() . ');',
		"SELECT count(*) FROM part$_ WHERE name = " . quoted() . ';',
		"CREATE INDEX ON copied (ssn) WHERE name = " . quoted() . ';',
		"BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT * FROM visits WHERE name <> " . quoted() . '; FETCH 10 FROM c; MOVE 5 IN c; ROLLBACK TO s; COMMIT;',
		"EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM visits WHERE name = " . quoted() . ';',
		"LOCK TABLE nothing; CALL nothing(" . quoted() . ');') } 1 .. 20),
	# Errors that name the value.
	(map { (
		"INSERT INTO visits (id, name) VALUES " . pairs(500) . ', (1, ' . quoted() . ');',
		"INSERT INTO visits VALUES (" . number_canary() . ', ' . quoted() . ', -' . number_canary() . ');',
		"SELECT name::int FROM visits WHERE name IN ('${mark}n8', " . texts(500) . ');',
		"SELECT " . quoted() . "::timestamptz, " . integers(100) . ';',
		"SELECT ssn::int FROM visits WHERE ssn NOT IN (" . integers(500) . ');',
		"DO \$\$ BEGIN RAISE EXCEPTION '%', " . quoted() . "; END \$\$;",
		"SELECT count(*) FROM visits WHERE nothing IN (" . texts(100) . ');',
		"SELEKT " . texts(100) . ';') } 1 .. 10));

my $script = PostgreSQL::Test::Utils::tempdir() . '/flood.sql';
append_to_file($script, join("\n", @flood));
IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', $script ], '>', \my $out, '2>', \my $err);
like($err, qr/$mark/, 'the errors name canaries');

# Each protocol, with all of PostgreSQL's own logging on.
my $settings = '-c log_statement=all -c log_min_duration_statement=0 -c log_parameter_max_length=-1 -c log_min_error_statement=debug5 -c debug_print_plan=on';
my $bench = PostgreSQL::Test::Utils::tempdir() . '/bench.sql';
append_to_file($bench, qq{
\\set n random(@{[ first_number() ]}, @{[ first_number() + numbers() - 1 ]})
SELECT count(*) FROM visits WHERE name = :t AND ssn <> :n;
UPDATE visits SET ssn = :n WHERE id = 17 AND name <> :t;
SELECT note FROM visits WHERE name LIKE :t::text || '%' AND ssn = :n;
});
foreach my $mode ('simple', 'extended', 'prepared')
{
	foreach my $round (1 .. 10)
	{
		local $ENV{PGOPTIONS} = $settings;
		my $text = text_canary();
		$text = "'$text'" if $mode eq 'simple';
		IPC::Run::run([ 'pgbench', '-n', '-M', $mode, '-t', '20', '-f', $bench, '-D', "t=$text", $node->connstr('postgres') ],
			'>', \my $output, '2>', \my $said) or die 'pgbench failed';
	}
}
cmp_ok(canaries(), '>=', 1_000_000, 'canaries: ' . canaries());

# ---- jobs: definitions with values, and builds whose errors name them

my $number = first_number();
foreach my $where ("name = '${mark}n9'", "name IN ('${mark}n9', 'x')", "name LIKE '${mark}%'", "name::int > $number", "ssn > $number",
	"CASE name WHEN '${mark}n1' THEN true ELSE false END", "(name, ssn) > ('${mark}', $number)", "starts_with(name, '${mark}n1')",
	"nullif(name, '${mark}n1') IS NULL", "name = ANY (ARRAY[kind, '${mark}n1'])", "name = coalesce(kind, '${mark}n1')",
	"name = CASE WHEN id > 0 THEN '${mark}n1' END", "greatest(name, '${mark}n1') = kind", "ROW(name, '${mark}n1') = ROW(kind, kind)", "kind = 'kind 1' AND NOT (ssn = $number)")
{
	my ($status, $output, $problems) = $node->psql('postgres', "SELECT triage.ensure_index(\$ddl\$CREATE INDEX ON visits (ssn) WHERE $where\$ddl\$)");
	like($problems, qr/ERROR:  definition of the index names a value that pg_triage must not keep\nDETAIL: .*\nHINT:  Use CREATE INDEX CONCURRENTLY yourself/,
		"refused: WHERE $where") or diag "$output$problems";
	unlike($problems =~ s/^LOCATION.*//mr, qr/$mark|$number/, 'and the value is not repeated');
}
my ($status, $output, $problems) = $node->psql('postgres', "SELECT triage.drop_index('visits_private_idx')");
like($problems, qr/must not keep/, 'an index with a value is not dropped by a job');
foreach my $ddl ("CREATE INDEX ON visits (ssn) WHERE kind = 'kind 1' AND ssn > 0", "CREATE UNIQUE INDEX ON visits (name)",
	"CREATE INDEX ON visits ((name::int))")
{
	$node->safe_psql('postgres', "SELECT triage.ensure_index(\$ddl\$$ddl\$ddl\$)");
}
($status, $output, $problems) = $node->psql('postgres', "SELECT triage.ensure_index(\$ddl\$CREATE INDEX ON visits (ssn) WHERE '${mark}'\$ddl\$)");
like($problems, qr/invalid input syntax/, 'what PostgreSQL says itself goes to the caller');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 AND bool_and(status NOT IN ('queued', 'running', 'verifying')) FROM triage.jobs}),
	'jobs ran');
is($node->safe_psql('postgres', "SELECT string_agg(status, ',' ORDER BY id) FROM triage.jobs"), 'kept,failed,failed', 'as well as they could');
$node->psql('postgres', 'SELECT * FROM triage.refresh_recommendations()');

# ---- where nothing may be found

cmp_ok($node->safe_psql('postgres', 'SELECT sum(sampled) FROM triage.statement_statistics()'), '>', 2000, 'executions were sampled');
none_is_shown($node);
none_is_reported($node);
none_is_in_shared_memory($node);
$node->stop;
none_is_in_files($node);
none_is_in_our_log_lines($node);
ok(in_text(slurp_file($node->logfile)), 'PostgreSQL itself wrote them');

done_testing();

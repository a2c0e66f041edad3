# Canaries: unique strings and numbers stand in the data and in thousands of statements, through both
# protocols, in statements that work and in statements that fail. None may be found in what the extension
# shows (every view and function of the schema), remembers (shared memory, files) or writes to the log.
#
# Canary.pm makes them and looks for them.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Canary;

my ($mark, $first_number, $numbers) = (mark(), first_number(), numbers());
my $seed = 0;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
autovacuum = off
log_line_prefix = '%b: '
log_min_messages = debug1
pg_triage.auto_index = recommend
pg_triage.refresh_interval = 10s
pg_triage.save_interval = 2s
pg_triage.activity_interval = 10ms
});
$node->start;

# ---- The data: private values everywhere, also among the most common values of enum-like columns, where
# ten rows share each: one fewer than the rule asks for.
$node->safe_psql('postgres', qq{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (
    id bigint PRIMARY KEY,
    mrn text NOT NULL UNIQUE,
    name text,
    diagnosis text,
    room bigint,
    insurer varchar(40),
    ssn bigint,
    weight numeric,
    active bool NOT NULL,
    note text,
    CHECK (weight > 0)
);
INSERT INTO patients
SELECT $first_number + 100000 + g, '${mark}m' || g, '${mark}n' || g % 300,
       CASE WHEN g <= 60 THEN '${mark}d' || g % 6 ELSE 'diagnosis ' || g % 4 END,
       CASE WHEN g <= 60 THEN $first_number + g % 6 ELSE g % 20 END,
       CASE WHEN g <= 60 THEN '${mark}i' || g % 6 ELSE 'insurer ' || g % 5 END,
       $first_number + 200000 + g, $first_number + g + 0.5, g % 10 <> 0, '${mark}note' || g
  FROM generate_series(1, 20000) g;
CREATE FUNCTION look_up(wanted text, other bigint) RETURNS bigint LANGUAGE plpgsql AS \$\$
BEGIN
    RETURN (SELECT count(*) FROM patients WHERE name = wanted AND ssn > other);
END
\$\$;
CREATE FUNCTION inlined(wanted text) RETURNS bigint LANGUAGE sql STABLE AS \$\$ SELECT count(*) FROM patients WHERE diagnosis = wanted \$\$;
CREATE VIEW secret_patients AS SELECT * FROM patients WHERE diagnosis = '${mark}d1';
ANALYZE patients;
});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stats s, unnest(most_common_vals::text::text[]) v
 WHERE tablename = 'patients' AND attname = 'diagnosis' AND v LIKE 'Zebra%'}), 6, 'canaries are among the most common values');

# ---- The statements.
my @templates = (
	sub { "SELECT * FROM patients WHERE mrn = '" . text_canary() . "'" },
	sub { "SELECT * FROM patients WHERE ssn = " . number_canary() },
	sub { "SELECT count(*) FROM patients WHERE diagnosis = '${mark}d" . $seed++ % 6 . "' AND active" },
	sub { "SELECT count(*) FROM patients WHERE room = " . ($first_number + $seed++ % 6) },
	sub { "SELECT count(*) FROM patients WHERE insurer <> '${mark}i" . $seed++ % 6 . "'" },
	sub { "SELECT count(*) FROM patients WHERE diagnosis IN ('${mark}d1', 'diagnosis 2', '" . text_canary() . "') AND room IN (1, " . number_canary() . ')' },
	sub { "SELECT count(*) FROM patients WHERE name LIKE '" . text_canary() . "%' OR note LIKE '%" . text_canary() . "%'" },
	sub { "SELECT count(*) FROM patients WHERE name LIKE '${mark}n1%'" },
	sub { "SELECT count(*) FROM patients WHERE ssn BETWEEN " . number_canary() . ' AND ' . number_canary() },
	sub { "SELECT count(*) FROM patients WHERE weight > " . number_canary() . ".25" },
	sub { "SELECT count(*) FROM patients WHERE lower(name) = lower('" . text_canary() . "')" },
	sub { "SELECT name || '" . text_canary() . "' FROM patients WHERE id = " . number_canary() },
	sub { "INSERT INTO patients VALUES (" . number_canary() . ", '" . text_canary() . "', '" . text_canary() . "', 'diagnosis 1', 3, 'insurer 1', " . number_canary() . ', ' . number_canary() . ", true, '" . text_canary() . "')" },
	sub { "UPDATE patients SET note = '" . text_canary() . "' WHERE mrn = '${mark}m" . $seed++ % 20000 . "'" },
	sub { "DELETE FROM patients WHERE id = " . number_canary() . " AND name = '" . text_canary() . "'" },
	sub { "SELECT look_up('" . text_canary() . "', " . number_canary() . ')' },
	sub { "SELECT inlined('${mark}d" . $seed++ % 6 . "')" },
	sub { "SELECT count(*) FROM secret_patients WHERE room = " . number_canary() },
	sub { "WITH q AS (SELECT * FROM patients WHERE diagnosis = '" . text_canary() . "') SELECT count(*) FROM q WHERE name = '" . text_canary() . "'" },
	sub { "SELECT count(*) FROM patients p JOIN patients o USING (room) WHERE p.mrn = '" . text_canary() . "' AND o.ssn < " . number_canary() },
	sub { "SELECT * FROM patients WHERE diagnosis = 'diagnosis 3' ORDER BY name = '" . text_canary() . "' LIMIT 1" },
	sub { "/* " . text_canary() . " */ SELECT count(*) FROM patients WHERE name = E'" . text_canary() . "' -- " . text_canary() },
	sub { "DO \$\$ BEGIN PERFORM count(*) FROM patients WHERE name = '" . text_canary() . "'; EXECUTE 'SELECT 1 FROM patients WHERE mrn = ''" . text_canary() . "'''; END \$\$" },
	sub { $seed++; "PREPARE p$seed (text, bigint) AS SELECT count(*) FROM patients WHERE diagnosis = \$1 AND room = \$2; EXECUTE p$seed('" . text_canary() . "', " . number_canary() . ')' },
	sub { $seed++; "CREATE TEMP TABLE t$seed AS SELECT * FROM patients WHERE name = '" . text_canary() . "'" },
	sub { "BEGIN; DECLARE c CURSOR FOR SELECT * FROM patients WHERE diagnosis = '" . text_canary() . "'; FETCH 5 FROM c; CLOSE c; COMMIT" },
	sub { "COPY (SELECT * FROM patients WHERE mrn = '" . text_canary() . "') TO STDOUT" },
	# What fails.
	sub { "INSERT INTO patients VALUES (" . ($first_number + 100000 + 1 + $seed++ % 20000) . ", '" . text_canary() . "', NULL, NULL, 0, NULL, 0, 1, true, NULL)" },
	sub { "INSERT INTO patients VALUES (" . number_canary() . ", '${mark}m" . (1 + $seed++ % 20000) . "', NULL, NULL, 0, NULL, 0, 1, true, NULL)" },
	sub { "INSERT INTO patients VALUES (" . number_canary() . ", '" . text_canary() . "', NULL, NULL, 0, NULL, 0, -" . number_canary() . ', true, NULL)' },
	sub { "SELECT count(*) FROM patients WHERE room = '" . text_canary() . "'" },
	sub { "SELECT note::int FROM patients WHERE diagnosis = '${mark}d2' AND id > " . number_canary() . ' - 900000' },
	sub { "SELECT 1 / (room - room) FROM patients WHERE name = '${mark}n7' AND note <> '" . text_canary() . "'" },
	sub { "SELECT count(*) FROM patients WHERE nothing = '" . text_canary() . "'" },
	sub { "SELEKT '" . text_canary() . "'" },
);

my @simple = map { my $template = $_; map { $template->() } 1 .. 80 } @templates;
cmp_ok(scalar @simple, '>', 2500, 'thousands of statements');
$node->psql('postgres', join(";\n", @simple) . ";\n", on_error_stop => 0);

# The extended protocol: as parameters, unnamed and prepared (custom plans first, generic later).
my $script = $node->basedir . '/canary.sql';
append_to_file($script, qq{
\\set n random($first_number, @{[ $first_number + $numbers - 1 ]})
\\set m :n + 10
SELECT * FROM patients WHERE ssn = :n;
SELECT count(*) FROM patients WHERE diagnosis = :t AND room = :n;
SELECT count(*) FROM patients WHERE diagnosis = :d AND active;
SELECT count(*) FROM patients WHERE name IN (:t, :d) AND ssn BETWEEN :n AND :m;
SELECT count(*) FROM patients WHERE note LIKE :t::text || '%';
UPDATE patients SET note = :t WHERE mrn = :t;
SELECT look_up(:t, :n);
});
foreach my $mode ('simple', 'extended', 'prepared')
{
	my @variables = $mode eq 'simple' ? ('-D', "t='" . text_canary() . "'", '-D', "d='${mark}d3'")
	  : ('-D', 't=' . text_canary(), '-D', "d=${mark}d3");
	local $ENV{PGAPPNAME} = text_canary(); # a name that no other session has
	command_ok(['pgbench', '-n', '-M', $mode, '-t', '40', '-f', $script, @variables, '-h', $node->host, '-p', $node->port, 'postgres'],
		"statements in $mode mode");
}

# Values that enough rows share do come out: what is looked for below would be there.
$node->safe_psql('postgres', "SELECT count(*) FROM patients WHERE diagnosis = 'diagnosis 1' AND active;" x 3);

# ---- Where nothing may be found.
my $seen = $node->safe_psql('postgres', 'SELECT sum(sampled) FROM triage.statement_statistics()');
cmp_ok($seen, '>', 2000, "sampled executions: $seen");
cmp_ok($node->safe_psql('postgres', 'SELECT sum(withheld) FROM triage.access_patterns'), '>', 1000, 'values were withheld');

my $shown = none_is_shown($node);
like($shown, qr/diagnosis diagnosis 1/, 'what many share is shown');

none_is_reported($node);

my $dump = none_is_in_shared_memory($node);
like($dump, qr/diagnosis 1\0/, 'what many share is there');

$node->stop;
none_is_in_files($node);
like(slurp_file($node->data_dir . '/pg_stat/pg_triage.stat'), qr/diagnosis 1/, 'what many share is in the file');
none_is_in_our_log_lines($node);

# ---- The search itself finds what is there.
$node->start;
ok(in_text(slurp_file($node->logfile)), 'found in lines of the log that are not ours');
ok(in_text($node->safe_psql('postgres', 'SELECT p::text FROM patients p LIMIT 1')), 'found in text');
ok(in_text($node->safe_psql('postgres', "SELECT encode(convert_to('${mark}', 'UTF8'), 'hex')")), 'found in hexadecimal');
ok(in_bytes("xyz" . pack('q<', $first_number + 4711) . "\0"), 'found as a long integer');
ok(in_bytes("xyz" . pack('d<', $first_number + 4711) . "\0"), 'found as a double');
is(in_bytes("xyz" . pack('q<', $first_number + 5_000_000)), undef, 'other numbers are not taken for canaries');
$node->stop;

done_testing();

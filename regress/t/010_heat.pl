# The heat map: survives restarts and crashes, is not taken from a damaged or foreign file, is not
# overwritten while a warm-up runs, and brings the working set back.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', qq{
pg_triage.buffer_interval = 20ms
pg_triage.save_interval = 1s
shared_buffers = 16MB
autovacuum = off
});
$node->start;
my $file = $node->data_dir . '/pg_stat/pg_triage_heat.stat';

# Blocks of the table that satisfy a condition.
my $resident = q{SELECT coalesce(sum(last_block - first_block + 1), 0) FROM triage.hot_blocks()
                  WHERE relation = 'patients'::regclass AND fork = 'main'};
my $known = q{SELECT count(*) FROM triage.heat() WHERE relation = 'patients'::regclass AND fork = 'main'};

# Of several databases' warm-ups, the first may be over before the others.
sub log_says
{
	my ($pattern, $from) = @_;
	foreach (1 .. 100)
	{
		return 1 if slurp_file($node->logfile, $from) =~ $pattern;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, note text);
INSERT INTO patients SELECT g, repeat('x', 500) FROM generate_series(1, 3000) g;
CREATE TABLE gone AS SELECT * FROM patients;
CREATE TABLE rewritten AS SELECT * FROM patients;
CHECKPOINT;
SELECT count(*) FROM patients, generate_series(1, 3) WHERE note <> '';
});
$node->poll_query_until('postgres', "SELECT ($known) > 1") or die 'nothing was learnt';
my $blocks = $node->safe_psql('postgres', $resident);
cmp_ok($blocks, '>', 100, 'the table is in the pool');

# ---- a clean restart
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_triage.warm_on_start = on});
$node->safe_psql('postgres', q{DROP TABLE gone; VACUUM FULL rewritten});
my $mark = -s $node->logfile;
$node->restart;
ok(log_says(qr/shared buffers warmed with \d+ of \d+ blocks/, $mark), 'a warm-up ran');
like(slurp_file($node->logfile, $mark), qr/page cache warmed with [1-9]\d* blocks before the start.*starting PostgreSQL/s,
	'which the postmaster began');
ok($node->poll_query_until('postgres', "SELECT ($resident) = $blocks"), 'the same blocks are back before any statement read them');
cmp_ok($node->safe_psql('postgres', $known), '>', 1, 'the heat map survived');
unlike(slurp_file($node->logfile, $mark), qr/ERROR|FATAL:  (?!terminating)/, 'files that are gone disturb nothing');

# ---- not before the start
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_triage.warm_start_delay = 0});
$node->stop;
$mark = -s $node->logfile;
$node->start;
ok(log_says(qr/shared buffers warmed/, $mark), 'a warm-up ran without delaying the start');
unlike(slurp_file($node->logfile, $mark), qr/before the start/, 'nothing was read before it');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET pg_triage.warm_start_delay});

# ---- a crash: what was saved last counts
$node->poll_query_until('postgres', "SELECT (pg_stat_file('pg_stat/pg_triage_heat.stat')).modification > now() - interval '1 minute'");
$mark = -s $node->logfile;
$node->stop('immediate');
$node->start;
ok(log_says(qr/shared buffers warmed/, $mark), 'a warm-up ran after the crash');
ok($node->poll_query_until('postgres', "SELECT ($resident) = $blocks"), 'and brought the table back');

# ---- while a warm-up runs, nothing is learnt
$node->safe_psql('postgres', q{SELECT triage.pause_heat(60)});
$node->safe_psql('postgres', q{CREATE TABLE later AS SELECT * FROM patients; SELECT pg_sleep(1)});
is( $node->safe_psql('postgres', q{SELECT count(*) FROM triage.heat() WHERE relation = 'later'::regclass}),
	0, 'what a warm-up loads is not taken for heat');

# ---- files that must not be believed
sub start_with_file
{
	my ($change) = @_;
	$node->stop;
	my $content = slurp_file($file);
	$change->(\$content);
	open my $handle, '>:raw', $file or die $!;
	print $handle $content;
	close $handle;
	my $from = -s $node->logfile;
	$node->start;
	return $from;
}
my @damages = (
	[ 'a flipped bit', sub { substr(${ $_[0] }, -100, 1) ^= "\x01" }, qr/Its checksum is wrong/ ],
	[ 'a short file', sub { ${ $_[0] } = substr(${ $_[0] }, 0, -7) }, qr/It is not complete/ ],
	[ 'an empty file', sub { ${ $_[0] } = '' }, qr/This is not a heat map/ ],
	[ 'another file', sub { ${ $_[0] } = 'x' x 1000 }, qr/This is not a heat map/ ],
	[ 'another version', sub { substr(${ $_[0] }, 8, 1) = "\x7f" }, qr/Another version has written it/ ],
	[ 'another cluster', sub { substr(${ $_[0] }, 16, 8) = 'AAAAAAAA' }, qr/It belongs to another cluster/ ]);
foreach my $damage (@damages)
{
	my ($name, $change, $pattern) = @$damage;
	my $from = start_with_file($change);
	ok(log_says($pattern, $from), "$name is refused");
	is($node->safe_psql('postgres', 'SELECT 1'), 1, "and the server runs");
	$node->safe_psql('postgres', q{SELECT count(*) FROM patients WHERE note <> ''});
	$node->poll_query_until('postgres', "SELECT ($known) > 1");
}

# ---- fewer worker slots than databases
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION pg_triage CASCADE; CREATE TABLE patients AS SELECT g AS id FROM generate_series(1, 10000) g');
$node->poll_query_until('second', "SELECT count(*) > 0 FROM triage.heat() WHERE relation = 'patients'::regclass") or die 'nothing was learnt';
$node->safe_psql('postgres', 'ALTER SYSTEM SET max_worker_processes = 5');
$mark = -s $node->logfile;
$node->restart;
ok(log_says(qr/(?:shared buffers warmed with \d+ of \d+ blocks.*){2}/s, $mark), 'with one slot for warm-ups, one follows the other');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET max_worker_processes');

# ---- switched off, it does nothing
$node->safe_psql('postgres', q{ALTER SYSTEM SET pg_triage.enabled = off});
$node->stop; # with a word of the warm-up that it may interrupt
$mark = -s $node->logfile;
$node->start;
$node->safe_psql('postgres', q{SELECT pg_sleep(0.5)});
unlike(slurp_file($node->logfile, $mark), qr/warmed/, 'no warm-up when switched off');
$node->stop;

done_testing();

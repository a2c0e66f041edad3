# The sampler's statistics: survive a restart, and a crash but for the last interval; a file that is damaged
# or of another server is set aside, and the server starts.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->start;
my $file = $node->data_dir . '/pg_stat/pg_triage.stat';

$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE orders (id int PRIMARY KEY, status text);
CREATE TABLE stays (id int PRIMARY KEY);
INSERT INTO stays SELECT generate_series(1, 1000);
VACUUM ANALYZE stays;
INSERT INTO orders SELECT g, 'status ' || g % 3 FROM generate_series(1, 1000) g;
ANALYZE orders;
});

sub run_statements
{
	my $times = shift;
	$node->safe_psql('postgres', "SELECT count(*) FROM orders WHERE status = 'status 1';\n" x $times);
}

# Everything that is known of that statement but its time, which is compared by itself.
sub known
{
	return $node->safe_psql('postgres', q{
SELECT s.calls, s.sampled, s.rows, s.total_ms, s.p95_ms, s.max_ms, s.first_seen, s.main_relation,
       c.executions, c.columns, c.shared_values, p.executions, p.plan
  FROM triage.statements s
  JOIN triage.plans p USING (userid, queryid)
  JOIN triage.access_patterns c ON c.relation = s.main_relation
 WHERE s.main_relation = 'orders'::regclass AND s.query LIKE '%count%'});
}

sub log_from { return -s $node->logfile; }

sub wait_for_log
{
	my ($pattern, $from) = @_;
	foreach (1 .. 100)
	{
		return 1 if slurp_file($node->logfile, $from) =~ $pattern;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

run_statements(7);
my $before = known();
like($before, qr/^7\|7\|7\|.*\{status\}\|\{"status status 1"\}\|7\|Aggregate/s, 'the statement is known');

# A change of plan, with both plans' times.
sub known_changes
{
	return $node->safe_psql('postgres', q{
SELECT c.effect, c.is_current, c.executions_before, c.executions_after, c.mean_before_ms, c.p95_after_ms, c.changed_at, c.plan_before, c.plan_after
  FROM triage.plan_changes c JOIN triage.statement_statistics() s USING (userid, queryid)
 WHERE s.main_relation = 'stays'::regclass});
}
my $by_id = "SELECT FROM stays WHERE id = 7;\n";
$node->safe_psql('postgres', $by_id x 12 . "SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;\n" . $by_id x 11);
my $changes = known_changes();
like($changes, qr/^[a-z ]+\|t\|12\|11\|.*Index Only Scan.*\|.*Seq Scan/s, 'and so is a change of plan');

$node->restart;
is(known(), $before, 'a restart keeps the statistics to the last digit');
is(known_changes(), $changes, 'and the change of plan');
run_statements(3);
like(known(), qr/^10\|10\|10\|/, 'and counts on from there');

# A crash loses what came after the last timed write.
$node->append_conf('postgresql.conf', "pg_triage.save_interval = 1s\n");
$node->reload;
ok($node->poll_query_until('postgres',
	q{SELECT modification > pg_postmaster_start_time() FROM pg_stat_file('pg_stat/pg_triage.stat')}),
	'the file is written while the server runs');
$before = known();
$node->poll_query_until('postgres', "SELECT modification > '" . $node->safe_psql('postgres', 'SELECT now()') .
	"' FROM pg_stat_file('pg_stat/pg_triage.stat')") or die 'not saved again';
$node->stop('immediate');
$node->start;
is(known(), $before, 'a crash loses nothing that was saved');
is((stat $file)[2] & 07777, 0600, 'the file is for the server alone');

# Files that must not be believed.
$node->append_conf('postgresql.conf', "pg_triage.save_interval = 0\n");
$node->restart;
$node->stop;
my $good = slurp_file($file);
ok(length $good > 200, 'there is a file');

sub starts_without
{
	my ($name, $bytes, $reason) = @_;
	unlink "$file.bad";
	open my $out, '>:raw', $file or die $!;
	print $out $bytes;
	close $out;
	my $from = log_from();
	ok($node->start, "$name: the server starts");
	ok(wait_for_log(qr/LOG:  pg_triage starts with empty statistics.*\Q$reason\E/s, $from), "$name: the log says why");
	is(known(), '', "$name: nothing of it is believed");
	ok(-e "$file.bad" && slurp_file("$file.bad") eq $bytes, "$name: the file is set aside as it was");
	is($node->safe_psql('postgres', q{SELECT ok FROM triage.self_check() WHERE "check" = 'statistics file was read'}),
		'f', "$name: self_check says so");
	$node->stop;
}

starts_without('truncated', substr($good, 0, length($good) / 2), 'it is truncated');
starts_without('empty', '', 'it is not a statistics file');
starts_without('no file of ours', "PGSTATS\n" . $good, 'it is not a statistics file');
(my $flipped = $good) =~ s/status 1/status 7/ or die;
starts_without('one character changed', $flipped, 'its checksum is wrong');
my $foreign = $good;
substr($foreign, 16, 8) = pack('Q', 1);
starts_without('of another server', $foreign, 'it was written by another server');
my $future = $good;
substr($future, 8, 4) = pack('V', 99);
starts_without('of another version', $future, 'it was written by another version of pg_triage');
starts_without('something huge', 'PGTRIAGE' . "\0" x (100 * 1024 * 1024), 'it is too large for pg_triage.memory');

# The good one still is.
unlink "$file.bad";
open my $out, '>:raw', $file or die $!;
print $out $good;
close $out;
$node->start;
is(known(), $before, 'the good file is read again');
ok(!-e "$file.bad", 'and stays');

# Memory that is too small for what was asked is said, and not exceeded.
$node->append_conf('postgresql.conf', "pg_triage.memory = 1MB\npg_triage.max_statements = 100000\n");
my $from = log_from();
$node->restart;
ok(wait_for_log(qr/WARNING:  pg_triage.memory is too small for pg_triage.max_statements/, $from), 'too little memory is said');
ok($node->safe_psql('postgres', 'SELECT octet_length(triage.dump_store()) < 1024 * 1024'), 'and not exceeded');
is($node->safe_psql('postgres', q{SELECT ok FROM triage.self_check() WHERE "check" = 'memory'}), 'f', 'self_check says so');

# More statements than there is room for: memory stays, the busy ones stay, what was dropped is counted.
$node->append_conf('postgresql.conf', "pg_triage.max_statements = 64\n");
$node->restart;
$node->safe_psql('postgres', 'SELECT triage.reset()');
run_statements(50);
foreach my $round (1 .. 4)
{
	$node->safe_psql('postgres', join('', map { 'SELECT ' . join(',', (1) x ($round * 50 + $_)) . ";\n" } 1 .. 50));
	run_statements(20);
	select(undef, undef, undef, 1.2); # the launcher's turn
}
my ($statements) = $node->safe_psql('postgres', 'SELECT count(*) FROM triage.statement_statistics()');
cmp_ok($statements, '<=', 64, 'no more statements than there are slots');
like(known(), qr/^130\|/, 'the busy statement was never evicted');
cmp_ok($node->safe_psql('postgres', q{SELECT split_part(detail, ' ', 1) FROM triage.self_check() WHERE "check" = 'evictions'}),
	'>', 0, 'others made room');

# Where ever new quick statements have taken all room, one that takes long finds some.
$node->append_conf('postgresql.conf', "pg_triage.max_statements = 256\n");
$node->restart;
sub quick_statements { return join('', map { 'SELECT ' . join(',', (1) x $_) . ";\n" } @_); }
$node->safe_psql('postgres', quick_statements(251 .. 700));
select(undef, undef, undef, 2.2); # the launcher's turn
$node->safe_psql('postgres', quick_statements(701 .. 1100) . "SELECT pg_sleep(0.3);\n");
is($node->safe_psql('postgres', 'SELECT count(*) FROM triage.statement_statistics() WHERE max_ms > 299'), 1,
	'a slow statement finds room among quick ones');
$node->append_conf('postgresql.conf', "pg_triage.max_statements = 64\n");

# What finds no slot is counted as lost once. Without the launcher nobody makes room.
$node->append_conf('postgresql.conf', "max_worker_processes = 0\n");
$node->restart;
sub executions_seen_and_lost
{
	my ($seen, $lost) = split /\|/, $node->safe_psql('postgres', q{
SELECT (SELECT sum(calls) FROM triage.statement_statistics()),
       (SELECT coalesce(substring(detail FROM '(\d+) executions of statements')::int, 0)
          FROM triage.self_check() WHERE "check" = 'nothing was dropped')});
	return ($seen + $lost, $lost);
}
foreach my $rate (0, 1)
{
	$node->append_conf('postgresql.conf', "pg_triage.sample_rate = $rate\n");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('pg_triage.sample_rate') = '$rate'");
	my ($first) = executions_seen_and_lost();
	my ($second) = executions_seen_and_lost();
	my $own = $second - $first; # of asking
	$node->safe_psql('postgres', join('', map { 'SELECT ' . join(',', (1) x ($rate * 300 + $_)) . ";\n" } 1 .. 300));
	my ($third, $lost) = executions_seen_and_lost();
	is($third - $second - $own, 300, "each of 300 statements is counted or lost, once (rate $rate)");
	cmp_ok($lost, '>', 200, 'most were lost');
}

$node->stop;
done_testing();

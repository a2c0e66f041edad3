# What sessions do is seen on a primary and on a standby, in the right classes, survives a restart and a
# damaged file, and names of applications that few share are kept nowhere.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', q{
autovacuum = off
pg_triage.activity_interval = 20ms
pg_triage.save_interval = 1s
});
$primary->start;
$primary->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE beds (id int PRIMARY KEY, patient int);
INSERT INTO beds VALUES (1, NULL);
CREATE ROLE nurse LOGIN;
CREATE ROLE reader LOGIN;
GRANT triage_reader TO nurse, reader;
});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

sub eventually
{
	my ($node, $condition, $name) = @_;
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM triage.activity WHERE $condition"), $name);
}

# ---- States and waits. The sessions stay until the end of the block.
my $file = $primary->data_dir . '/pg_stat/pg_triage_activity.stat';
{
	my @sessions = map { $primary->background_psql('postgres', on_error_stop => 0) } 1 .. 3;
	my ($idle, $open, $waiting) = @sessions;
	$idle->query_safe('SELECT 1');
	$open->query_safe('BEGIN; UPDATE beds SET patient = 7');
	$waiting->query_until(qr/began/, "\\echo began\nUPDATE beds SET patient = 8;\n");
	my $sleeping = IPC::Run::start([ 'psql', '-X', '-d', $primary->connstr('postgres') . ' user=nurse application_name=psql', '-c', 'SELECT pg_sleep(600)' ],
		'>', \my $out, '2>', \my $err);
	eventually($primary, q{state = 'idle' AND wait_class = 'Client' AND username <> 'nurse'}, 'an idle session');
	eventually($primary, q{state = 'idle in transaction' AND wait_class = 'Client' AND oldest_transaction_ms > 500},
		'a session idle in transaction, and how long its transaction is open');
	eventually($primary, q{state = 'active' AND wait_class = 'Lock'}, 'a session that waits for a lock');
	eventually($primary, q{state = 'active' AND wait_class = 'Timeout' AND username = 'nurse' AND database = 'postgres' AND application = 'psql'},
		'a sleeping session, whose it is and of which tool');
	is($primary->safe_psql('postgres', q{
SELECT bool_and(sessions <= peak AND sessions > 0 AND looks > 0 AND transaction_age_ms <= oldest_transaction_ms) FROM triage.activity}),
		't', 'figures agree');
	eventually($primary, q{EXISTS (SELECT FROM triage.activity_by_hour h WHERE h.username = 'nurse' AND h.peak = 1 AND h.sessions BETWEEN 0 AND 1 AND h.weeks > 0)},
		'the hour of the week, so far as it has come');

	# One's own, or with pg_read_all_stats all.
	is($primary->safe_psql('postgres', q{SET SESSION AUTHORIZATION reader; SELECT count(*) FROM triage.activity WHERE username = 'nurse'}),
		'0', 'other users are not shown');
	isnt($primary->safe_psql('postgres', q{SET SESSION AUTHORIZATION nurse; SELECT count(*) FROM triage.activity WHERE username = 'nurse'}),
		'0', 'one\'s own sessions are');
	$primary->safe_psql('postgres', 'GRANT pg_read_all_stats TO reader');
	isnt($primary->safe_psql('postgres', q{SET SESSION AUTHORIZATION reader; SELECT count(*) FROM triage.activity WHERE username = 'nurse'}),
		'0', 'and all with pg_read_all_stats');

	$sleeping->kill_kill;
	$open->query_safe('ROLLBACK');
	$_->quit foreach @sessions;
}

# ---- Names of applications
sub connected_as
{
	my ($node, $name, $sql) = @_;
	return $node->psql('postgres', $sql, connstr => $node->connstr('postgres') . " application_name='$name'");
}
my $seen = q{SELECT pg_sleep(0.1) FROM triage.activity LIMIT 1; SELECT pg_sleep(0.2)};
connected_as($primary, 'Jane Canary 4711', $seen) for 1 .. 3;
connected_as($primary, 'DBeaver 24.1 - Jane Canary 4711', $seen);
eventually($primary, q{application = 'DBeaver'}, 'of a tool\'s title its name is kept');
eventually($primary, q{application IS NULL AND username <> 'nurse'}, 'a name that few share is not');
foreach (1 .. 60) # looks may come late; enough of them do
{
	connected_as($primary, 'ward rounds', 'SELECT pg_sleep(0.2)');
	last if $primary->safe_psql('postgres', q{SELECT count(*) FROM triage.activity WHERE application = 'ward rounds'}) ne '0';
}
eventually($primary, q{application = 'ward rounds'}, 'one that many sessions had is shown');
$primary->append_conf('postgresql.conf', 'pg_triage.min_shared_rows = 100000');
$primary->reload;
$primary->poll_query_until('postgres', q{SELECT current_setting('pg_triage.min_shared_rows') = '100000'});
is($primary->safe_psql('postgres', q{SELECT count(*) FROM triage.activity WHERE application = 'ward rounds'}), '0',
	'and hidden at once where more are asked for');
unlike(pack('H*', $primary->safe_psql('postgres', q{SELECT encode(triage.dump_store(), 'hex')})), qr/Canary/, 'nothing of it is in memory');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM triage.self_check() WHERE "check" = 'sessions are looked at' AND ok}), '1',
	'self_check says that sessions are looked at');

# ---- A standby does the same, and writes to no table.
{
	my $session = $standby->background_psql('postgres');
	$session->query_safe('BEGIN; SELECT count(*) FROM beds');
	eventually($standby, q{state = 'idle in transaction'}, 'a standby\'s sessions are seen');
	$session->quit;
}

# ---- Restarts
my $known = q{SELECT count(*) FROM triage.activity_by_hour WHERE username = 'nurse' AND wait_class = 'Timeout'};
$primary->restart;
is($primary->safe_psql('postgres', $known), '1', 'known after a restart');
unlike(slurp_file($file), qr/Canary/, 'nothing private is in the file');
eventually($standby, q{state = 'idle in transaction'}, 'as before');
$standby->restart;
eventually($standby, q{state = 'idle in transaction'}, 'a standby keeps it, too');
$primary->poll_query_until('postgres', q{SELECT (pg_stat_file('pg_stat/pg_triage_activity.stat')).modification > now() - interval '1 minute'});
$primary->stop('immediate');
$primary->start;
is($primary->safe_psql('postgres', $known), '1', 'and after a crash');

foreach my $damage (
	[ 'a flipped bit', sub { substr(${ $_[0] }, -100, 1) ^= "\x01" }, qr/Its checksum is wrong/ ],
	[ 'a short file', sub { ${ $_[0] } = substr(${ $_[0] }, 0, -7) }, qr/It is not complete/ ],
	[ 'another cluster\'s', sub { substr(${ $_[0] }, 16, 8) = 'AAAAAAAA' }, qr/It belongs to another cluster/ ])
{
	my ($name, $change, $pattern) = @$damage;
	$primary->stop;
	my $content = slurp_file($file);
	$change->(\$content);
	open my $handle, '>:raw', $file or die $!;
	print $handle $content;
	close $handle;
	my $from = -s $primary->logfile;
	$primary->start;
	ok($primary->wait_for_log($pattern, $from), "$name is refused");
	eventually($primary, q{state = 'active'}, 'and sessions are looked at again');
}

# ---- Forgotten, and switched off
$primary->append_conf('postgresql.conf', 'pg_triage.activity_interval = 0');
$primary->reload;
$primary->poll_query_until('postgres', q{SELECT current_setting('pg_triage.activity_interval') = '0'});
$primary->safe_psql('postgres', q{SELECT pg_sleep(0.5); SELECT triage.reset()});
is($primary->safe_psql('postgres', 'SELECT count(*) FROM triage.activity'), '0', 'reset() forgets it, and 0 stops the looks');

$standby->stop;
$primary->stop;
foreach my $node ($primary, $standby)
{
	unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11/, $node->name . ': nothing crashed');
}
done_testing();

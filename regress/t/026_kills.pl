# Backends and workers that are killed under load: after each kill -9 the server comes back by itself with
# statistics that can be read; a session that is terminated leaves no slot that others could not write.
# TRIAGE_KILLS is the number of kills of each kind.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $kills = $ENV{TRIAGE_KILLS} || 8;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
autovacuum = off
log_statement = none
restart_after_crash = on
pg_triage.save_interval = '1s'
pg_triage.max_statements = 128
});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, ward text, visits int DEFAULT 0);
INSERT INTO patients SELECT g, 'ward ' || g % 5 FROM generate_series(1, 1000) g;
ANALYZE;
});

# Few slots that all clients write, and ever new statements that have others evicted.
my $script = $node->basedir . '/load.sql';
my $new_statements = join('', map { "\\if :width = $_\nSELECT " . join(',', (1) x $_) . ";\n\\endif\n" } 1 .. 200);
append_to_file($script, q{\set id random(1, 1000)
\set width random(1, 200)
SELECT count(*) FROM patients WHERE ward = 'ward 1' AND visits >= 0;
SELECT visits FROM patients WHERE id = :id;
UPDATE patients SET visits = visits + 1 WHERE id = :id;
} . $new_statements);

my $load;
my ($load_out, $load_err) = ('', '');

sub start_load
{
	local $ENV{PGAPPNAME} = 'pgbench';
	$load = IPC::Run::start(['pgbench', '-n', '-c', '4', '-T', '600', '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres'],
		'>', \$load_out, '2>', \$load_err);
}

sub stop_load
{
	$load->kill_kill;
}

# Client sessions of the load, and the extension's own workers.
sub processes
{
	my $which = shift;
	return split /\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $which AND pid <> pg_backend_pid()");
}

# The extension's workers without a database, which no view shows.
sub workers_without_database
{
	my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my @found;
	foreach my $directory (glob '/proc/[0-9]*')
	{
		next unless open my $title, '<', "$directory/cmdline";
		next unless (<$title> // '') =~ /pg_triage (?:heat|activity)/;
		next unless open my $status, '<', "$directory/status";
		my ($parent) = join('', <$status>) =~ /^PPid:\s+(\d+)/m;
		push @found, $directory =~ s{.*/}{}r if ($parent // 0) == $postmaster;
	}
	return @found;
}
my $of_the_load = "application_name = 'pgbench'";
my $our_own = "backend_type LIKE 'pg_triage%'";

sub is_up
{
	my ($status) = $node->psql('postgres', 'SELECT 1');
	return $status == 0;
}

sub wait_until
{
	my ($holds, $what) = @_;
	foreach (1 .. 300)
	{
		return 1 if $holds->();
		select(undef, undef, undef, 0.1);
	}
	diag "never: $what";
	return 0;
}

sub known
{
	return $node->safe_psql('postgres', q{
SELECT sum(calls), sum(sampled), (SELECT sum(executions) FROM triage.access_patterns WHERE relation = 'patients'::regclass AND columns = '{ward,visits}')
  FROM triage.statements WHERE query LIKE 'SELECT count(*) FROM patients WHERE ward%'});
}

# Nothing is stuck: without other sessions each execution is counted and sampled, to the last one.
sub counts_everything
{
	my $name = shift;
	wait_until(sub { !processes($of_the_load) }, 'the load is gone');
	my $statement = "SELECT count(*) FROM patients WHERE ward = 'ward 2' AND visits >= 0;\n";
	$node->safe_psql('postgres', $statement);
	my @before = split /\|/, known();
	$node->safe_psql('postgres', $statement x 50);
	is(known(), join('|', map { $_ + 50 } @before), "$name: each execution is counted and its scan written");
}

# Terminated sessions: the server goes on.
start_load();
ok(wait_until(sub { processes($of_the_load) >= 4 }, 'load'), 'the load runs') or diag $load_err;
my $from = -s $node->logfile;
foreach my $kill (1 .. $kills)
{
	my @victims = processes($of_the_load);
	kill 'TERM', $victims[ rand @victims ] if @victims;
	select(undef, undef, undef, 0.3);
	next if processes($of_the_load) > 1;
	stop_load();
	start_load();
	wait_until(sub { processes($of_the_load) >= 4 }, 'load again');
}
stop_load();
counts_everything('terminated');
unlike(slurp_file($node->logfile, $from), qr/PANIC|signal 11|signal 6|all server processes terminated/, 'terminated: nothing crashed');

# Terminated workers come back.
my @before = workers_without_database();
kill 'TERM', @before;
ok(wait_until(sub { my %is_old = map { $_ => 1 } @before; 2 == grep { !$is_old{$_} } workers_without_database() }, 'the workers'),
	'terminated: workers without a database are back');
my ($before) = processes($our_own);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($before)");
ok(wait_until(sub { my ($now) = processes($our_own); $now && $now != $before }, 'the launcher'), 'terminated: the launcher is back');

# kill -9: PostgreSQL throws its shared memory away; the statistics come from the file.
my $returned = 0;
my $read = 0;
$from = -s $node->logfile;
foreach my $kill (1 .. $kills)
{
	start_load();
	wait_until(sub { is_up() && processes($of_the_load) >= 4 && processes($our_own) >= 1 }, 'load and workers');
	select(undef, undef, undef, rand(1.5)); # somewhere around the saving of the file
	my @victims = $kill % 4 == 0 ? workers_without_database() : processes($kill % 2 == 0 ? $our_own : $of_the_load);
	is(scalar @victims, 2, 'killed: heat and activity workers are among the victims') if $kill == 4;
	my $at = -s $node->logfile;
	kill 'KILL', $victims[ rand @victims ] if @victims;
	wait_until(sub { slurp_file($node->logfile, $at) =~ /all server processes terminated/ }, 'the crash');
	$returned += wait_until(\&is_up, 'the server');
	stop_load();
	$read += $node->safe_psql('postgres', q{
SELECT ok AND EXISTS (SELECT FROM triage.statements) AND EXISTS (SELECT FROM triage.plans)
  FROM triage.self_check() WHERE "check" = 'statistics file was read'}) eq 't';
}
is($returned, $kills, 'killed: the server always came back');
is($read, $kills, 'killed: and its statistics could always be read');
counts_everything('killed');
my $log = slurp_file($node->logfile, $from);
is(scalar(() = $log =~ /all server processes terminated/g), $kills, 'killed: there was no other crash');
unlike($log, qr/PANIC|signal 11|signal 6|ignoring (?:heat|activity)|set aside/, 'killed: no file was distrusted');
is(join(' ', glob($node->data_dir . '/pg_stat/*.bad')), '', 'killed: nor set aside');

# The postmaster itself: what was saved is there.
sleep 2;
$node->safe_psql('postgres', 'SELECT 1');
my ($saved) = split /\|/, known();
wait_until(sub { $node->safe_psql('postgres', q{SELECT ok FROM triage.self_check() WHERE "check" = 'statistics file is written'}) eq 't' }, 'saved');
sleep 2;
$node->kill9;
sleep 2; # its backends notice
$node->start;
# pg_stat_statements has lost its texts in the crash, so the statement runs once more to be known by name.
$node->safe_psql('postgres', "SELECT count(*) FROM patients WHERE ward = 'ward 2' AND visits >= 0");
my ($kept) = split /\|/, known();
cmp_ok($kept, '>', $saved, 'the postmaster killed: what was saved is there');
$node->stop;
done_testing();

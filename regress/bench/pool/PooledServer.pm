# A PostgreSQL server with a real PgBouncer before it, in a directory of their own; rounds under load
# that are measured again when others used the machine; and what `pg_triage pool` is told of a load.
package PooledServer;
use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use JSON::PP;
use List::Util qw(sum0);
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(set_up tear_down measured yield_turn rounds_so_far use_of_last_round one_pool scripts observe advise emit
	psql run start stop note read_file write_file);

my $here = dirname(abs_path(__FILE__));
my $top = abs_path("$here/../../..");
my $cores = () = read_file('/proc/cpuinfo') =~ /^processor\b/mg;
my ($database_port, $pooler_port) = (5432, 6432);
my ($work, $pg_config, $bin, $advisor, $disk, $pooler, $lock, $turn_ends);

# A round in which others took more than this share of the machine is measured again.
my ($most_others, $most_attempts) = (0.1, 3);
my %rounds = (measured => 0, discarded => 0, disturbed => 0);
my $kept_use;

# Options: work, the directory; pg-config; lock, a file to hold while measuring; extension, whether
# sessions have pg_triage's settings. Returns the programs' directory and the pooler's port.
sub set_up
{
	my (%option) = @_;
	$work = $option{work};
	$pg_config = $option{'pg-config'} // $ENV{PG_CONFIG} // 'pg_config';
	chomp($bin = `$pg_config --bindir`);
	$advisor = $ENV{PG_TRIAGE} // "$top/build/advisor/pg_triage";
	make_path($work);
	if ($option{lock}) { open $lock, '>>', $option{lock} or die "$option{lock}: $!\n" }
	build_tools();
	start_server($option{extension} ? ('-c', 'session_preload_libraries=' . build_extension()) : ());
	make_data() unless -e "$work/data_made";
	return ($bin, $pooler_port);
}

sub tear_down { stop_server() }

# How many rounds were measured, thrown away, and kept although disturbed, since the last call.
sub rounds_so_far
{
	my %so_far = %rounds;
	%rounds = (measured => 0, discarded => 0, disturbed => 0);
	return \%so_far;
}

# Who used how much of the processors in the last round that was kept.
sub use_of_last_round { return $kept_use }

# --- a round ------------------------------------------------------------------------------------

# Calls `measure` with a fresh pooler whose file ends with the fragment, alone as far as the lock makes
# it so. What others on the machine disturbed is measured again, but not for ever.
sub measured
{
	my ($workload, $fragment, $measure) = @_;
	my $result;
	for my $attempt (1 .. $most_attempts) {
		take_turn();
		start_pooler($fragment);
		my $chill = $workload->{cold} ? keep_cold() : 0;
		my $before = machine_use();
		my $measured = eval { $measure->() };
		my $error = $@;
		my $after = machine_use();
		my $use = processor_use($before, $after);
		if ($chill) { kill 'TERM', $chill; waitpid $chill, 0 }
		stop_pooler();
		die $error if $error;
		++$rounds{measured};
		($result, $kept_use) = ($measured, $use) if $attempt == 1 || $use->{others} < $kept_use->{others};
		return $result if $use->{others} <= $most_others;
		++$rounds{discarded};
		note(sprintf 'others took %.0f %% of the machine', 100 * $use->{others});
	}
	++$rounds{disturbed};
	return $result; # the least disturbed
}

# Processor time of others: what the hypervisor stole, and what all processes had that do not belong to
# the benchmark, which are not this one, the server and the pooler, with their children, living or gone,
# nor threads of the kernel (2), which read the disk for anybody. (The machine's own count of busy time is
# made by ticks: where sleepers wake by the same clock, it is far too high.)
sub machine_use
{
	my $steal = (split ' ', read_file('/proc/stat'))[8] // 0;
	my (%parent, %time);
	for my $pid (map { m{/(\d+)/} } glob '/proc/[0-9]*/stat') {
		my @fields = split ' ', read_file("/proc/$pid/stat") =~ s/^.*\) //sr or next;
		($parent{$pid}, $time{$pid}) = ($fields[1], sum0(@fields[ 11 .. 14 ]));
	}
	my %root = (2 => 'kernel', $$ => 'load', pooler_pid() => 'pooler',
		(split /\n/, read_file("$work/data/postmaster.pid"))[0] => 'server');
	my %use = (at => time(), steal => $steal, others => $steal, map { $_ => 0 } values %root);
	for my $pid (keys %time) {
		my $up = $pid;
		$up = $parent{$up} while $up && !$root{$up} && $parent{$up};
		$use{ $root{$up} // 'others' } += $time{$pid};
	}
	return \%use;
}

# Shares of all processors, by whom they were used.
sub processor_use
{
	my ($before, $after) = @_;
	my $all = ($after->{at} - $before->{at}) * sysconf(_SC_CLK_TCK) * $cores;
	return { map { $_ => sprintf('%.3f', ($after->{$_} - $before->{$_}) / $all) + 0 } grep { $_ ne 'at' } keys %$before };
}

# With a lock: others get the machine at least once a minute.
sub take_turn
{
	return unless $lock && (!$turn_ends || time() > $turn_ends);
	flock($lock, LOCK_UN);
	sleep 0.5 if $turn_ends;
	flock($lock, LOCK_EX);
	$turn_ends = time() + 60;
}

# With a lock: lets others have the machine.
sub yield_turn
{
	return unless $lock;
	flock($lock, LOCK_UN);
	undef $turn_ends;
}

# The scripts of a workload, by weight, as pgbench and open_loop want them.
sub scripts
{
	my ($workload) = @_;
	return map { ('-f', "$here/workloads/$_->[0].sql\@$_->[1]") } @{ $workload->{load} };
}

# Drops the big table from the page cache over and over, so that reading it means reading the disk.
sub keep_cold
{
	my @files = glob(cold_files());
	my $child = fork() // die "fork: $!\n";
	return $child if $child;
	$SIG{TERM} = 'DEFAULT'; # the server is the parent's to stop
	open STDERR, '>', '/dev/null';
	while (1) {
		system('dd', "if=$_", 'iflag=nocache', 'count=0', 'status=none') for @files;
		sleep 0.1;
	}
}

sub cold_files
{
	chomp(my $path = psql('bench', "SELECT pg_relation_filepath('cold')"));
	return "$work/data/$path $work/data/$path.[0-9]*";
}

# --- what the advisor would see -----------------------------------------------------------------

# All that the model is told: what is seen of a load of so many transactions a second, at a size that
# is not in the way.
sub observe
{
	my ($workload, $size, $rate, $seconds) = @_;
	return measured($workload, one_pool($size), sub {
		my $load = start("$bin/pgbench", '-n', '-h', $work, '-p', $pooler_port, '-U', 'postgres',
			'-c', $workload->{clients} // 64, '-j', 1, '-T', $seconds + 4, '-R', $rate,
			scripts($workload), 'bench');
		sleep 2;
		psql('bench', 'SELECT pg_stat_statements_reset()');
		my $sampler = start("$bin/psql", '-X', '-A', '-t', '-h', $work, '-U', 'postgres',
			'-d', 'postgres', '-o', "$work/samples", '-f', "$here/sample.sql");
		my $before = counters($load);
		sleep $seconds;
		my $after = counters($load);
		kill 'TERM', $sampler; waitpid $sampler, 0;
		my $statements = psql('bench', <<'SQL');
SELECT coalesce(json_agg(json_build_object('queryid', queryid::text, 'calls', calls,
                         'mean_ms', mean_exec_time, 'stddev_ms', stddev_exec_time)), '[]')
  FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'bench')
   AND query NOT LIKE '%pg_stat%'
SQL
		waitpid $load, 0;
		return observation($workload, $before, $after, decode_json($statements), samples());
	});
}

# Times in milliseconds.
sub counters
{
	my ($load) = @_;
	my %now = (at => time() * 1000);
	for my $line (split /\n/, run("$bin/psql", '-X', '-A', '-h', $work, '-p', $pooler_port, '-U', 'postgres',
			'-d', 'pgbouncer', '-c', 'SHOW STATS_TOTALS')) {
		my @fields = split /\|/, $line;
		@now{qw(pooled messages pooler_transaction_ms pooler_wait_ms)} =
			($fields[1], $fields[2], $fields[5] / 1000, $fields[7] / 1000) if $fields[0] eq 'bench';
	}
	@now{qw(transactions active_ms idle_ms)} = split /\|/, psql('bench', <<'SQL');
SELECT xact_commit + xact_rollback, active_time, idle_in_transaction_time
  FROM pg_stat_database WHERE datname = 'bench'
SQL
	my $pids = psql('postgres', "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity "
		. "WHERE datname = 'bench' AND backend_type = 'client backend'");
	for my $pid (split ' ', $pids) {
		my ($on, $queued) = split ' ', read_file("/proc/$pid/schedstat") || '0 0';
		$now{cpu_ms} += $on / 1e6;
		$now{run_queue_ms} += $queued / 1e6;
		$now{wake_ups} += $1 if read_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m;
	}
	$now{pooler_cpu_ms} = process_cpu_ms(pooler_pid());
	my $aux = psql('postgres', "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity "
		. "WHERE backend_type <> 'client backend'");
	$now{other_cpu_ms} = $now{pooler_cpu_ms} + sum0(map { process_cpu_ms($_) } $load, split ' ', $aux);
	return \%now;
}

sub process_cpu_ms
{
	my ($pid) = @_;
	my $stat = read_file("/proc/$pid/stat") or return 0;
	my @fields = split ' ', $stat =~ s/^.*\) //sr;
	return ($fields[11] + $fields[12]) * 1000 / sysconf(_SC_CLK_TCK);
}

# Samples of active sessions by what they wait for, over all statements and for each.
sub samples
{
	my (%all, %by_statement);
	for my $line (split /\n/, read_file("$work/samples")) {
		my ($queryid, $class, $count) = split /\|/, $line;
		next unless defined $count;
		$all{$class} += $count;
		$by_statement{$queryid}{$class} += $count;
	}
	return { all => \%all, by_statement => \%by_statement };
}

sub observation
{
	my ($workload, $before, $after, $statements, $samples) = @_;
	my %delta = map { $_ => $after->{$_} - $before->{$_} } keys %$after;
	my $transactions = $delta{pooled};
	my $active = $delta{active_ms} / $transactions;
	my $sampled = sum0(values %{ $samples->{all} }) || 1;
	my %wait = map { $_ => $active * ($samples->{all}{$_} // 0) / $sampled } qw(io wal lock lwlock sleep);
	my @statements;
	for my $statement (@$statements) {
		my $classes = $samples->{by_statement}{ $statement->{queryid} } // {};
		my $seen = sum0(values %$classes);
		my %share = map { $_ => $seen ? ($classes->{$_} // 0) / $seen : 0 } qw(cpu io sleep wal);
		push @statements, { calls_per_transaction => $statement->{calls} / $transactions,
			mean_ms => $statement->{mean_ms}, stddev_ms => $statement->{stddev_ms},
			cpu_share => $seen ? $share{cpu} : 1, io_share => $share{io},
			delay_share => $share{sleep} + $share{wal} };
	}
	return {
		machine => { cores => $cores, io_rates => $disk //= measure_disk(), spindles => 1 },
		pools => [{
			pool => $workload->{name}, clients => $workload->{clients} // 64,
			seconds => $delta{at} / 1000, transactions => $transactions,
			round_trips => $delta{messages} / $transactions,
			active_ms => $active, idle_in_transaction_ms => $delta{idle_ms} / $transactions,
			hold_ms => ($delta{pooler_transaction_ms} - $delta{pooler_wait_ms}) / $transactions,
			cpu_ms => $delta{cpu_ms} / $transactions, run_queue_ms => $delta{run_queue_ms} / $transactions,
			wake_ups => $delta{wake_ups} / $transactions,
			io_wait_ms => $wait{io}, wal_wait_ms => $wait{wal}, lock_wait_ms => $wait{lock},
			lwlock_wait_ms => $wait{lwlock}, sleep_ms => $wait{sleep},
			pooler_ms => $delta{pooler_cpu_ms} / $transactions,
			other_cpu_ms => $delta{other_cpu_ms} / $transactions,
			statements => \@statements,
		}],
	};
}

# The first pool of the advice.
sub advise
{
	my ($file, @more) = @_;
	return decode_json(run($advisor, 'pool', '--from-file', $file, '--format', 'json', @more))->{pools}[0];
}

sub emit
{
	my ($file, $kind, @more) = @_;
	return run($advisor, 'pool', '--from-file', $file, '--emit', $kind, @more);
}

# --- server, pooler, data -----------------------------------------------------------------------

sub build_tools
{
	my ($include, $lib) = map { chomp(my $x = `$pg_config --$_`); $x } qw(includedir libdir);
	my $cxx = $ENV{CXX} // 'g++';
	run($cxx, '-std=c++20', '-O2', '-Wall', '-Wextra', "-I$include", '-o', "$work/open_loop",
		"$here/open_loop.cpp", "-L$lib", '-lpq');
	run($cxx, '-std=c++20', '-O2', '-Wall', '-Wextra', '-pthread', '-o', "$work/disk_rates",
		"$here/disk_rates.cpp");
	run('make', '-C', "$top/advisor", "PG_CONFIG=$pg_config");
	if ($> == 0) { run('chown', '-R', 'postgres', $work) }
}

# Where the server finds it: it cannot read everybody's home.
sub build_extension
{
	run('make', '-C', $top, "PG_CONFIG=$pg_config", 'pg_triage.so');
	run('install', "$top/pg_triage.so", "$work/pg_triage.so");
	return "$work/pg_triage.so";
}

sub start_server
{
	my @settings = @_;
	unless (-d "$work/data") {
		unprivileged("$bin/initdb", '-D', "$work/data", '-U', 'postgres', '-A', 'trust', '--no-sync');
		open my $conf, '>>', "$work/data/postgresql.conf" or die $!;
		print $conf <<"CONF";
listen_addresses = ''
unix_socket_directories = '$work'
shared_preload_libraries = 'pg_stat_statements'
shared_buffers = 128MB
max_connections = 300
fsync = off            # the disk's flush is not under test
track_io_timing = on
max_parallel_workers_per_gather = 0
max_wal_size = 4GB
jit = off
CONF
		close $conf;
	}
	unprivileged("$bin/pg_ctl", '-D', "$work/data", '-l', "$work/server.log", '-o', "@settings", '-w', 'start');
}

sub stop_server { unprivileged("$bin/pg_ctl", '-D', "$work/data", '-m', 'fast', '-w', 'stop') }
END { my $status = $?; $SIG{INT} = $SIG{TERM} = 'IGNORE'; if ($work && -e "$work/data/postmaster.pid") { eval { stop_pooler() }; eval { stop_server() } } $? = $status }

sub make_data
{
	note('make the data');
	psql('postgres', 'CREATE DATABASE bench');
	run("$bin/pgbench", '-q', '-i', '-s', 20, '-h', $work, '-U', 'postgres', 'bench');
	psql('bench', $_) for (
		'CREATE EXTENSION pg_stat_statements',
		'CREATE TABLE items (id int PRIMARY KEY, grp int, value float8) WITH (fillfactor = 80)',
		'INSERT INTO items SELECT i, 1 + i % 100, random() FROM generate_series(1, 200000) i',
		'CREATE INDEX ON items (grp)',
		'CREATE TABLE counters (id int PRIMARY KEY, n bigint) WITH (fillfactor = 10)',
		'INSERT INTO counters SELECT i, 0 FROM generate_series(1, 10) i',
		"CREATE TABLE cold (id int PRIMARY KEY, v int, filler text)",
		"INSERT INTO cold SELECT i, i % 1000, repeat('x', 900) FROM generate_series(1, 1000000) i",
		'VACUUM ANALYZE', 'CHECKPOINT');
	write_file("$work/data_made", '');
}

sub measure_disk
{
	my ($file) = glob(cold_files());
	return decode_json(run("$work/disk_rates", $file));
}

# The end of the pooler's file, if all share one pool.
sub one_pool { return "[databases]\nbench = host=$work port=$database_port dbname=bench user=postgres pool_size=$_[0]\n" }

sub start_pooler
{
	my ($fragment) = @_;
	write_file("$work/pgbouncer.ini", <<"INI");
[pgbouncer]
listen_port = $pooler_port
unix_socket_dir = $work
auth_type = any
admin_users = postgres
stats_users = postgres
pool_mode = transaction
max_client_conn = 2000
server_lifetime = 36000
query_wait_timeout = 0
ignore_startup_parameters = extra_float_digits
pidfile = $work/pgbouncer.pid
logfile = $work/pgbouncer.log
log_connections = 0
log_disconnections = 0
$fragment
INI
	unlink "$work/pgbouncer.pid";
	unprivileged('pgbouncer', '-q', '-d', "$work/pgbouncer.ini");
	for (1 .. 100) {
		last if -S "$work/.s.PGSQL.$pooler_port" && -s "$work/pgbouncer.pid";
		sleep 0.05;
	}
	$pooler = pooler_pid();
}

sub pooler_pid { return 0 + (read_file("$work/pgbouncer.pid") || 0) }

sub stop_pooler
{
	return unless $pooler;
	kill 'TERM', $pooler; # at once
	for (1 .. 200) {
		my ($state) = read_file("/proc/$pooler/stat") =~ /\) (\w)/;
		last if !$state || $state eq 'Z'; # whoever should reap it may take its time
		sleep 0.02;
	}
	$pooler = 0;
}

# --- small things -------------------------------------------------------------------------------

sub note { printf STDERR "%s\n", $_[0] }
sub psql { my ($db, $sql) = @_; chomp(my $out = run("$bin/psql", '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1',
	'-h', $work, '-U', 'postgres', '-d', $db, '-c', $sql)); return $out }
sub read_file { open my $file, '<', $_[0] or return ''; local $/; return <$file> // '' }
sub write_file { open my $file, '>', $_[0] or die "$_[0]: $!\n"; print $file $_[1]; close $file or die "$_[0]: $!\n" }

# PostgreSQL and PgBouncer refuse to run as root.
sub unprivileged { return run($> == 0 ? ('runuser', '-u', 'postgres', '--') : (), @_) }

sub run
{
	my @command = @_;
	my $errors = "$work/stderr";
	open my $saved, '>&', \*STDERR or die $!;
	open STDERR, '>>', $errors or die "$errors: $!\n";
	open my $out, '-|', @command or die "$command[0]: $!\n";
	open STDERR, '>&', $saved or die $!;
	local $/;
	my $text = <$out> // '';
	close $out or die "failed: @command\n$text(see $errors)\n";
	return $text;
}

sub start
{
	my @command = @_;
	my $child = fork() // die "fork: $!\n";
	return $child if $child;
	open STDOUT, '>', '/dev/null';
	open STDERR, '>>', "$work/stderr";
	exec @command or POSIX::_exit(127);
}

sub stop
{
	my ($child) = @_;
	kill 'TERM', $child;
	waitpid $child, 0;
}

1;

#!/usr/bin/env perl
# make bench-warm: what a restart costs, without warming, with autoprewarm, and with ours.
#
#   make bench-warm [BENCH_OPTIONS='--rounds 5 --modes none,autoprewarm,ours,at-once,half']
#   regress/bench/warm.pl --bindir DIR [--rounds 5] [--modes none,autoprewarm,...]
#                         [--directory DIR] [--keep] [--results FILE] [--lock FILE]
#
# A cluster of about 2 GB with shared_buffers of 512 MB in a directory of its own, medical tables, a mixed
# load: emergency lookups, clinical timelines, reports. After a long run under that load the files from
# which both ways of warming start are put aside; each round gets the same ones. A round stops the
# server, throws its files (only these) out of the page cache, starts it, opens the load as soon as the
# server accepts it, or, where the mode says so, once the hottest half is loaded, and watches for twenty
# seconds. Our default delays the start (pg_triage.warm_start_delay); at-once does not, and half is at-once
# with the load held back. Work is therefore counted twice: from the load's opening on, and from the moment
# in which the postmaster was started.
#
# The modes standby and standby-warmed do the same with a standby that has just been promoted: without
# more ado, or after pg_triage warm has brought it what is hot on its primary.
#
# "95 %" is the time to 95 % of what the same round settles at: the speed of a virtual machine's disk and
# processors differs more than that from one minute to the next.
#
# Rounds are interleaved. Each waits until the machine is quiet; one in which something else used the
# processors all the same is discarded, counted and repeated. Figures are medians over the rounds. With
# --results they are kept in a file, a line a round, and a later run goes on from there. Needs vmtouch;
# must not run as root.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use FindBin;
use lib $FindBin::Bin;
use Getopt::Long;
use IO::Handle;
use List::Util qw(max min sum sum0);
use Median;
use POSIX qw(floor :sys_wait_h);
use Time::HiRes qw(time sleep usleep);

my $watched_s   = 20;      # of each round
my $settled_s   = 12;      # from then on a round's throughput is taken for steady
my $clients     = 8;
my $disturbance = 0.10;    # share of the processors used by others, above which a round does not count
my $patience_s  = 1800;    # for a quiet machine
my @classes     = qw(emergency clinical report);

my %option = (rounds => 5, modes => 'none,autoprewarm,ours,at-once,half', settle => 60);
GetOptions(\%option, qw(bindir=s rounds=i modes=s directory=s keep results=s lock=s settle=i))
  or die "usage: warm.pl --bindir DIR [--rounds N] [--modes M,...] [--results FILE]\n";
die "warm.pl must not run as root\n" if $> == 0;
die "vmtouch is needed to throw files out of the page cache (Debian: apt-get install vmtouch)\n"
  if system('command -v vmtouch >/dev/null') != 0;

my $bindir    = $option{bindir} // die "--bindir is missing\n";
my $directory = $option{directory} // tempdir('pg_triage-bench.XXXXXX', TMPDIR => 1, CLEANUP => !$option{keep});
make_path($directory);
my $data   = "$directory/data";
my $socket = "$directory";
my $port   = 5432;
my $standby = "$directory/standby";
my $standby_port = 5433;
my ($server_pid, $standby_pid);
$ENV{PGHOST} = $socket;
$ENV{PGPORT} = $port;
$ENV{PGUSER} = 'bench';
$ENV{PGDATABASE} = 'hospital';
$ENV{PGOPTIONS} = '';
$SIG{INT} = $SIG{TERM} = sub { exit 1 };
END
{
	kill 'QUIT', $standby_pid if $standby_pid;
	stop_server('immediate') if $server_pid;
}

# ---- small things ------------------------------------------------------------------------------------

sub say_line { printf STDERR "%s\n", join '', @_; }

sub run
{
	my @command = @_;
	my $output = '';
	open my $pipe, '-|', @command or die "could not run $command[0]: $!\n";
	while (my $line = <$pipe>) { $output .= $line }
	close $pipe or die "failed: @command\n";
	return $output;
}

sub psql
{
	my ($sql, $database) = @_;
	my $output = run("$bindir/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database // 'hospital', '-c', $sql);
	chomp $output;
	return $output;
}

sub percentile
{
	my ($share, @values) = @_;
	return undef unless @values;
	@values = sort { $a <=> $b } @values;
	return $values[ min($#values, floor($share * @values)) ];
}

# Seconds of processor time that the machine was busy, and that we and our finished children were.
sub busy_s
{
	open my $stat, '<', '/proc/stat' or die $!;
	my (undef, $user, $nice, $system, undef, undef, $irq, $softirq, $steal) = split ' ', scalar <$stat>;
	return ($user + $nice + $system + $irq + $softirq + ($steal // 0)) / 100;
}

sub own_s { return sum(times()); }

sub processors
{
	open my $info, '<', '/proc/cpuinfo' or die $!;
	return scalar grep { /^processor\b/ } <$info>;
}

sub write_file
{
	my ($path, $content) = @_;
	open my $handle, '>', $path or die "could not write $path: $!\n";
	print $handle $content;
	close $handle;
}

sub read_file
{
	my ($path) = @_;
	open my $handle, '<', $path or die "could not read $path: $!\n";
	local $/;
	return scalar <$handle>;
}

# ---- the server --------------------------------------------------------------------------------------

# The postmaster is our own child, so that all of its processor time is known once it has ended.
sub start_server
{
	my ($at, %setting) = @_;
	$setting{port} //= $port;
	my @arguments = map { ('-c', "$_=$setting{$_}") } sort keys %setting;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0)
	{
		open STDOUT, '>>', "$directory/server.log";
		open STDERR, '>&', \*STDOUT;
		exec "$bindir/postgres", '-D', $at, @arguments or exit 127;
	}
	return $pid;
}

sub await_server
{
	my ($pid, $at_port) = @_;
	foreach (1 .. 30000)
	{
		return if -e "$socket/.s.PGSQL.$at_port" && system("$bindir/pg_isready -q -t 1 -p $at_port") == 0;
		die "the server did not start; see $directory/server.log\n" if waitpid($pid, WNOHANG) != 0;
		usleep(1000);
	}
	die "the server does not accept connections\n";
}

sub stop_server
{
	my ($mode) = @_;
	kill(($mode eq 'immediate' ? 'QUIT' : 'INT'), $server_pid);
	waitpid($server_pid, 0);
	undef $server_pid;
}

sub evict
{
	my ($at) = @_;
	system("vmtouch -eq $at/base $at/global >/dev/null") == 0 or die "vmtouch failed\n";
}

# ---- data and load -----------------------------------------------------------------------------------

sub make_cluster
{
	say_line "making a cluster of about 2 GB in $data";
	run("$bindir/initdb", '-D', $data, '-U', 'bench', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C');
	open my $conf, '>>', "$data/postgresql.conf" or die $!;
	print $conf <<"END";
listen_addresses = ''
unix_socket_directories = '$socket'
shared_preload_libraries = 'pg_stat_statements,pg_prewarm,pg_triage'
shared_buffers = 512MB
max_wal_size = 4GB
checkpoint_timeout = 1h
max_parallel_workers_per_gather = 0
jit = off
autovacuum = off
fsync = off
random_page_cost = 1.1
track_io_timing = off
pg_prewarm.autoprewarm = off
pg_triage.auto_index = off
pg_triage.save_interval = 5
END
	close $conf;
	$server_pid = start_server($data);
	await_server($server_pid, $port);
	psql('CREATE DATABASE hospital', 'postgres');
	psql(q{CREATE EXTENSION pg_triage CASCADE; CREATE EXTENSION pg_prewarm});
	psql($_) foreach (
		q{CREATE TABLE patient_records AS
		  SELECT g::int AS id, 'M' || (100000000 + g) AS mrn, g % 5 <> 0 AS active,
		         md5(g::text) || md5((g + 1)::text) AS demographics
		    FROM generate_series(1, 400000) g},
		q{CREATE TABLE emergency_visits AS
		  SELECT g::int AS id, (hashint4(g) & 2147483647) % 400000 + 1 AS patient_id,
		         timestamptz '2025-01-01' + g * interval '1 minute' AS arrived, md5(g::text) || md5(g::text) || md5(g::text) AS findings
		    FROM generate_series(1, 600000) g},
		q{CREATE TABLE clinical_data AS
		  SELECT g::int AS id, (hashint4(g + 77) & 2147483647) % 400000 + 1 AS patient_id,
		         timestamptz '2020-01-01' + g * interval '1 minute' AS encounter_date,
		         repeat(md5(g::text), 6) AS entry
		    FROM generate_series(1, 2400000) g},
		q{CREATE TABLE vital_signs AS
		  SELECT (hashint4(g + 99) & 2147483647) % 400000 + 1 AS patient_id,
		         timestamptz '2025-01-01' + g * interval '10 seconds' AS recorded_at,
		         60 + g % 60 AS pulse, 90 + g % 10 AS spo2, md5(g::text) AS device
		    FROM generate_series(1, 5000000) g},
		q{ALTER TABLE patient_records ADD PRIMARY KEY (id); CREATE INDEX ON patient_records (mrn)},
		q{CREATE INDEX ON emergency_visits (patient_id, arrived)},
		q{CREATE INDEX ON clinical_data (patient_id, encounter_date); CREATE INDEX ON clinical_data (encounter_date)},
		q{CREATE INDEX ON vital_signs (patient_id, recorded_at); CREATE INDEX ON vital_signs (recorded_at)});
	psql("VACUUM (ANALYZE) $_") foreach qw(patient_records emergency_visits clinical_data vital_signs);
	psql('CHECKPOINT');
	say_line 'size: ' . psql(q{SELECT pg_size_pretty(pg_database_size('hospital'))});

	# Few patients are on the wards, and they are anywhere in the tables.
	write_file("$directory/emergency.sql", <<'END');
\set r random_zipfian(1, 400000, 1.05)
\set p permute(:r, 400000, 7)
SELECT id, active, demographics FROM patient_records WHERE mrn = 'M' || (100000000 + :p);
SELECT recorded_at, pulse, spo2 FROM vital_signs WHERE patient_id = :p ORDER BY recorded_at DESC LIMIT 10;
SELECT arrived, findings FROM emergency_visits WHERE patient_id = :p ORDER BY arrived DESC LIMIT 3;
END
	write_file("$directory/clinical.sql", <<'END');
\set r random_zipfian(1, 400000, 1.05)
\set p permute(:r, 400000, 7)
SELECT encounter_date, entry FROM clinical_data WHERE patient_id = :p ORDER BY encounter_date;
SELECT recorded_at, pulse FROM vital_signs WHERE patient_id = :p ORDER BY recorded_at;
END
	write_file("$directory/report.sql", <<'END');
\set d random(1, 1600)
SELECT count(*), avg(length(entry)) FROM clinical_data
 WHERE encounter_date >= timestamptz '2020-01-01' + :d * interval '1 day' AND encounter_date < timestamptz '2020-01-02' + :d * interval '1 day';
END
}

# The load; returns what each transaction took: [end in s since the epoch, class, ms].
sub load_for
{
	my ($seconds, $started, $at_port) = @_;
	$at_port //= $port;
	unlink glob "$directory/load.*";
	my @scripts = map { ('-f', "$directory/$_->[0].sql\@$_->[1]") } ([ emergency => 12 ], [ clinical => 7 ], [ report => 1 ]);
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0)
	{
		open STDOUT, '>', "$directory/pgbench.out";
		open STDERR, '>&', \*STDOUT;
		chdir $directory;
		exec "$bindir/pgbench", '-n', '-M', 'prepared', '-c', $clients, '-j', 2, '-T', $seconds, '-l',
		  '--log-prefix=load', '-p', $at_port, @scripts
		  or exit 127;
	}
	waitpid($pid, 0);
	die "pgbench failed; see $directory/pgbench.out\n" if $? != 0;
	my @transactions;
	foreach my $log (glob "$directory/load.*")
	{
		open my $handle, '<', $log or die $!;
		while (my $line = <$handle>)
		{
			my (undef, undef, $us, $script, $epoch, $epoch_us) = split ' ', $line;
			push @transactions, [ $epoch + $epoch_us / 1e6, $classes[$script], $us / 1000 ];
		}
	}
	return \@transactions;
}

# ---- a round -----------------------------------------------------------------------------------------

# Waits until others have left the processors alone for three seconds.
sub await_quiet
{
	my $until = time + $patience_s;
	my $quiet = 0;
	while ($quiet < 3)
	{
		my $busy = busy_s();
		sleep 1;
		$quiet = (busy_s() - $busy) / processors() < $disturbance / 2 ? $quiet + 1 : 0;
		return if time > $until;
	}
}

# Since the cluster was made; the difference of two rounds' is what the later one read.
sub reads_so_far { return psql(q{SELECT coalesce(sum(blks_read), 0) FROM pg_stat_database}); }

sub stored_reads
{
	return read_file("$directory/saved/reads");
}

# What became of a load that opened at $opened; the server was started, or promoted, at $started.
sub figures_of
{
	my ($transactions, $started, $opened) = @_;
	my %figure = map { my $seconds = $_; ("since_start_${seconds}s" => scalar grep { $_->[0] < $started + $seconds } @$transactions) } (2, 10);
	my @bins = (0) x ($watched_s * 10);
	my %first_second = map { $_ => [] } @classes;
	foreach my $transaction (@$transactions)
	{
		my ($end, $class, $ms) = @$transaction;
		my $at = $end - $opened;
		next if $at < 0 || $at >= $watched_s;
		$bins[ floor($at * 10) ]++;
		push @{ $first_second{$class} }, $ms if $at < 1;
	}
	$figure{work_2s}  = sum(@bins[ 0 .. 19 ]);
	$figure{work_10s} = sum(@bins[ 0 .. 99 ]);
	$figure{"p99_$_"} = percentile(0.99, @{ $first_second{$_} }) foreach @classes;
	# What the round itself came to: the machine's speed changes more from round to round than 5 %.
	my $steady_tps = $figure{steady} = 2 * median(map { sum(@bins[ 5 * $_ .. 5 * $_ + 4 ]) } 2 * $settled_s .. 2 * $watched_s - 1);
	# From then on half a second's throughput is at 95 % of the steady one, for a second at least.
	foreach my $bin (0 .. $#bins - 10)
	{
		my $here = sum(@bins[ $bin .. $bin + 4 ]) * 2;
		my $then = sum(@bins[ $bin .. $bin + 9 ]);
		if ($here >= 0.95 * $steady_tps && $then >= 0.95 * $steady_tps)
		{
			$figure{to_95_s} = $bin / 10;
			last;
		}
	}
	$figure{to_95_s} //= $watched_s;
	return \%figure;
}

my %settings = (
	none        => {},
	autoprewarm => { 'pg_prewarm.autoprewarm' => 'on' },
	ours        => { 'pg_triage.warm_on_start' => 'on' },
	'at-once'   => { 'pg_triage.warm_on_start' => 'on', 'pg_triage.warm_start_delay' => 0 },
	half        => { 'pg_triage.warm_on_start' => 'on', 'pg_triage.warm_start_delay' => 0 });

# A fresh copy of the primary's backup, cold.
sub make_standby
{
	my $base = "$directory/base";
	if (!-d $base)
	{
		run("$bindir/pg_basebackup", '-D', "$base.new", '-c', 'fast', '-R', '--no-sync');
		rename "$base.new", $base or die $!;
	}
	remove_tree($standby);
	system("cp -a $base $standby && sync -f $standby") == 0 or die "could not copy the backup\n";
	evict($standby);
}

# Of a standby from the moment in which it was promoted.
sub play_standby_round
{
	my ($mode) = @_;
	# Of our children only those that have ended are known: from before the first is started.
	my ($busy, $own, $begun) = (busy_s(), own_s(), time);
	restore_heat();
	$server_pid = start_server($data);
	await_server($server_pid, $port);
	make_standby();
	$standby_pid = start_server($standby, port => $standby_port);
	await_server($standby_pid, $standby_port);
	my $from = time;
	my $conninfo = "host=$socket user=bench dbname=hospital";
	run("$bindir/pg_triage", qw(warm run --quiet --wait-ready 90 --deadline 60 -o), "$directory/warm.out", '--from',
		"$conninfo port=$port", '--to', "$conninfo port=$standby_port")
	  if $mode eq 'standby-warmed';
	my $waited = time - $from;
	run("$bindir/psql", '-XAtq', '-p', $standby_port, '-c', 'SELECT pg_promote()');
	my $opened = time;
	my $transactions = load_for($watched_s, $opened, $standby_port);
	kill 'INT', $standby_pid;
	waitpid $standby_pid, 0;
	undef $standby_pid;
	my $elapsed = time - $begun;
	my $figure = figures_of($transactions, $opened, $opened);
	$figure->{waited_s} = $waited;
	$figure->{reads}    = 0;
	stop_server('fast');
	$figure->{others} = ((busy_s() - $busy) - (own_s() - $own)) / $elapsed / processors();
	return $figure;
}

sub restore_heat
{
	system("cp $directory/saved/autoprewarm.blocks $data/autoprewarm.blocks && " .
	  "cp $directory/saved/pg_triage_heat.stat $data/pg_stat/pg_triage_heat.stat") == 0 or die;
}

sub play_round
{
	my ($mode) = @_;
	return play_standby_round($mode) if $mode =~ /^standby/;
	restore_heat();
	evict($data);
	my $reads_before = stored_reads();
	my ($busy, $own, $begun) = (busy_s(), own_s(), time);
	my $started = time;
	$server_pid = start_server($data, %{ $settings{$mode} });
	await_server($server_pid, $port);
	if ($mode eq 'half')
	{
		system("$bindir/pg_triage warm ready --hottest 50 --wait-ready 95 --deadline 30 --quiet > $directory/ready.out 2>&1");
	}
	my $opened = time;
	my $transactions = load_for($watched_s, $opened);
	my $reads = reads_so_far();
	write_file("$directory/saved/reads", $reads);
	stop_server('fast');
	my $elapsed = time - $begun;
	my $others = ((busy_s() - $busy) - (own_s() - $own)) / $elapsed / processors();
	my $figure = figures_of($transactions, $started, $opened);
	$figure->{reads}    = $reads - $reads_before;
	$figure->{waited_s} = $opened - $started;
	$figure->{others}   = $others;
	return $figure;
}

sub locked
{
	my ($work) = @_;
	return $work->() unless $option{lock};
	use Fcntl qw(:flock);
	open my $lock, '>>', $option{lock} or die "could not open $option{lock}: $!\n";
	flock $lock, LOCK_EX or die $!;
	my $result = $work->();
	close $lock;
	return $result;
}

# ---- all of it ---------------------------------------------------------------------------------------

if (!-e "$directory/saved/autoprewarm.blocks")
{
	locked(sub {
		make_cluster();
		stop_server('fast');
		run('sync', '-f', $data);
	});
	say_line "settling under load for $option{settle} s";
	locked(sub {
		$server_pid = start_server($data, 'pg_prewarm.autoprewarm' => 'on');
		await_server($server_pid, $port);
		load_for($option{settle});
		make_path("$directory/saved");
		write_file("$directory/saved/reads", reads_so_far());
		stop_server('fast');
	});
	system("cp $data/autoprewarm.blocks $data/pg_stat/pg_triage_heat.stat $directory/saved/") == 0 or die;
}

my @modes = split /,/, $option{modes};
my (%rounds, $discarded);
$discarded = 0;

# A round's figures as "mode name=value ...".
sub keep_round
{
	my ($mode, $figure) = @_;
	return unless $option{results};
	open my $handle, '>>', $option{results} or die "could not open $option{results}: $!\n";
	print $handle join(' ', $mode, map { "$_=" . ($figure->{$_} // '') } sort keys %$figure), "\n";
	close $handle;
}

sub count_round
{
	my ($mode, $figure) = @_;
	return push @{ $rounds{$mode} }, $figure if $figure->{others} <= $disturbance;
	$discarded++;
	return 0;
}

if ($option{results} && -e $option{results})
{
	foreach my $line (split /\n/, read_file($option{results}))
	{
		my ($mode, @pairs) = split ' ', $line;
		my %figure = map { my ($name, $value) = split /=/; ($name => $value eq '' ? undef : $value) } grep { !/=$/ } @pairs;
		count_round($mode, \%figure);
	}
}

foreach my $round (1 .. $option{rounds})
{
	foreach my $mode ($round % 2 ? @modes : reverse @modes)
	{
		foreach my $attempt (1 .. 5)
		{
			last if @{ $rounds{$mode} // [] } >= $round;
			await_quiet();
			my $figure = locked(sub { play_round($mode) });
			keep_round($mode, $figure);
			my $counts = count_round($mode, $figure);
			say_line sprintf 'round %d %-14s 2 s: %6d  10 s: %6d  95 %%: %4.1f s  p99 %s ms  reads %d  opened after %.2f s  others %.0f %%%s',
			  $round, $mode, @$figure{qw(work_2s work_10s to_95_s)},
			  join('/', map { sprintf '%.1f', $figure->{"p99_$_"} // 0 } @classes), @$figure{qw(reads waited_s)},
			  100 * $figure->{others}, $counts ? '' : '  discarded';
		}
	}
}

printf "%-14s %8s %8s %8s %14s %14s %14s %9s %8s %10s %10s %9s\n", 'mode', '2 s', '10 s', '95 %', map({ "p99 $_" } @classes),
  'reads', 'opened', 'started+2', 'started+10', 'steady/s';
foreach my $mode (grep { $rounds{$_} } @modes)
{
	my %median = map {
		my $name = $_;
		$name => median(map { $_->{$name} // () } @{ $rounds{$mode} })
	} keys %{ $rounds{$mode}[0] };
	printf "%-14s %8d %8d %6.1f s %11.1f ms %11.1f ms %11.1f ms %9d %6.2f s %10d %10d %9d\n", $mode,
	  @median{qw(work_2s work_10s to_95_s)}, (map { $median{"p99_$_"} // 0 } @classes),
	  @median{qw(reads waited_s since_start_2s since_start_10s steady)};
}
printf "medians of %d rounds; %d rounds discarded\n", $option{rounds}, $discarded;

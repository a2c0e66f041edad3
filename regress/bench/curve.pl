#!/usr/bin/env perl
# make bench-curve: are the hit rates that triage.miss_ratio_curve predicts those that come about when
# shared_buffers is really changed?
#
#   make bench-curve [BENCH_OPTIONS='--seconds 60']
#   regress/bench/curve.pl --bindir DIR [--directory DIR] [--keep] [--seconds 60]
#
# Two loads on a table of about 1 GB: few keys often (Zipf's law), and all keys alike with a report that
# reads ranges. Each runs at 256 MB, where the curve is read for half, the same and twice the size, and
# then at these sizes, until what the server counts no longer changes. Exits 1 if one is off by more than 5 points. Hit rates do
# not depend on how busy the machine is. Must not run as root.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(usleep);

my %option = (seconds => 60);
GetOptions(\%option, qw(bindir=s directory=s keep seconds=i)) or die "usage: curve.pl --bindir DIR [--seconds N]\n";
die "curve.pl must not run as root\n" if $> == 0;
my $bindir    = $option{bindir} // die "--bindir is missing\n";
my $directory = $option{directory} // tempdir('pg_triage-bench.XXXXXX', TMPDIR => 1, CLEANUP => !$option{keep});
make_path($directory);
my $data = "$directory/data";
my $size_mb = 256;
my $tolerance = 0.05;
# Less than the machine could: a disk that answers from its own cache would turn the pool over within the
# time between two looks.
my $statements_per_s = 8000;
my $still = 0.004;
my $sums = q{SELECT sum(blks_hit), sum(blks_read) FROM pg_stat_database};
my $server_pid;
@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ($directory, 5432, 'bench', 'postgres');
END { stop_server() if $server_pid; }

sub run
{
	my @command = @_;
	open my $pipe, '-|', @command or die "could not run $command[0]: $!\n";
	my $output = join '', <$pipe>;
	close $pipe or die "failed: @command\n";
	return $output;
}

sub psql
{
	my $output = run("$bindir/psql", '-XAtq', '-F', ' ', '-v', 'ON_ERROR_STOP=1', '-c', $_[0]);
	chomp $output;
	return $output;
}

sub start_server
{
	my ($megabytes, @settings) = @_;
	$server_pid = fork // die "fork: $!\n";
	if ($server_pid == 0)
	{
		open STDOUT, '>>', "$directory/server.log";
		open STDERR, '>&', \*STDOUT;
		exec "$bindir/postgres", '-D', $data, '-c', "shared_buffers=${megabytes}MB", map({ ('-c', $_) } @settings) or exit 127;
	}
	foreach (1 .. 6000)
	{
		return if system("$bindir/pg_isready -q -t 1") == 0;
		die "the server did not start; see $directory/server.log\n" if waitpid($server_pid, WNOHANG) != 0;
		usleep(10000);
	}
	die "the server does not accept connections\n";
}

sub stop_server
{
	kill 'INT', $server_pid;
	waitpid $server_pid, 0;
	undef $server_pid;
}

sub write_file
{
	my ($path, $content) = @_;
	open my $handle, '>', $path or die "could not write $path: $!\n";
	print $handle $content;
	close $handle;
}

sub load_for
{
	my ($seconds, @scripts) = @_;
	run("$bindir/pgbench", '-n', '-M', 'prepared', '-c', 4, '-R', $statements_per_s, '-T', $seconds, map { ('-f', "$directory/$_") } @scripts);
}

# Hit rate that the server counts while the load runs, once it no longer changes.
sub settled_hit_rate
{
	my (@scripts) = @_;
	my $last = -1;
	foreach my $turn (1 .. 12)
	{
		my ($hit, $read) = split ' ', psql($sums);
		load_for($option{seconds} / 3, @scripts);
		my ($hit_after, $read_after) = split ' ', psql($sums);
		my $rate = ($hit_after - $hit) / ($hit_after - $hit + $read_after - $read);
		return $rate if abs($rate - $last) < $still;
		$last = $rate;
	}
	return $last;
}

if (!-d $data)
{
	run("$bindir/initdb", '-D', $data, '-U', 'bench', '-A', 'trust', '--no-sync', '--locale=C');
	open my $conf, '>>', "$data/postgresql.conf" or die $!;
	print $conf <<"END";
listen_addresses = ''
unix_socket_directories = '$directory'
shared_preload_libraries = 'pg_stat_statements,pg_triage'
fsync = off
autovacuum = off
jit = off
max_wal_size = 4GB
max_parallel_workers_per_gather = 0
pg_triage.auto_index = off
pg_triage.buffer_interval = 250
END
	close $conf;
	start_server($size_mb);
	psql('CREATE EXTENSION pg_triage CASCADE');
	psql(q{CREATE TABLE clinical_data AS SELECT g::int AS id, (hashint4(g) & 1048575) AS patient_id, repeat(md5(g::text), 9) AS entry
	        FROM generate_series(1, 2500000) g});
	psql('ALTER TABLE clinical_data ADD PRIMARY KEY (id)');
	psql('VACUUM ANALYZE clinical_data');
	psql('CHECKPOINT');
	stop_server();
	write_file("$directory/skewed.sql", <<'END');
\set r random_zipfian(1, 2500000, 1.02)
\set i permute(:r, 2500000, 3)
SELECT * FROM clinical_data WHERE id = :i;
END
	write_file("$directory/even.sql", <<'END');
\set i random(1, 1200000)
SELECT * FROM clinical_data WHERE id = :i;
END
	write_file("$directory/report.sql", <<'END');
\set d random(1200000, 2490000)
SELECT count(entry) FROM clinical_data WHERE id BETWEEN :d AND :d + 20;
END
}

my $failed = 0;
foreach my $load ([ 'few keys often', 'skewed.sql@1' ], [ 'all alike, and a report', 'even.sql@20', 'report.sql@1' ])
{
	my ($name, @scripts) = @$load;
	# What it counts while the pool fills would be taken for how the pool does: it begins anew with a full one.
	start_server($size_mb);
	settled_hit_rate(@scripts);
	stop_server();
	start_server($size_mb, 'pg_triage.warm_on_start=on');
	load_for($option{seconds} * 2, @scripts);
	my @sizes = map { $size_mb * $_ } (0.5, 1, 2);
	my %predicted;
	my $array = join ',', map { $_ * 1024 * 1024 } @sizes;
	foreach my $line (split /\n/, psql("SELECT shared_buffers / 1048576, hit_rate, error, observed, lru_factor FROM triage.miss_ratio_curve(ARRAY[$array]::bigint[])"))
	{
		my ($size, @rest) = split ' ', $line;
		$predicted{$size} = \@rest;
	}
	stop_server();
	foreach my $size (@sizes)
	{
		start_server($size);
		my $measured = settled_hit_rate(@scripts);
		stop_server();
		my ($hit_rate, $error, $observed, $lru_factor) = @{ $predicted{$size} };
		my $off = abs($hit_rate - $measured) > $tolerance || $observed ne 't';
		$failed ||= $off;
		printf "%-25s %5d MB  predicted %5.1f %% (error %.1f, %s)  measured %5.1f %%%s\n", $name, $size, 100 * $hit_rate, 100 * $error,
		  $observed eq 't' ? 'observed' : 'not observed', 100 * $measured, $off ? '  OFF' : '';
	}
}
exit $failed;

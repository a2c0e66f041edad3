#!/usr/bin/env perl
# make bench-ttl: would a cache with the advised time to live hit as often as pg_triage cache says?
#
#   make bench-ttl [BENCH_OPTIONS='--seconds 90']
#   regress/bench/ttl.pl --bindir DIR [--directory DIR] [--keep] [--seconds 90]
#
# Reads and writes of two tables run at a steady rate while pg_triage cache measures the rates. The server
# logs each statement with its key; from this record a cache is played through, with the time to live that
# was advised. Exits 1 if the hit rate or the share of stale answers is off by more than 5 points. Must not
# run as root.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use JSON::PP qw(decode_json);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(usleep);

my %option = (seconds => 90);
GetOptions(\%option, qw(bindir=s directory=s keep seconds=i)) or die "usage: ttl.pl --bindir DIR [--seconds N]\n";
die "ttl.pl must not run as root\n" if $> == 0;
my $bindir    = $option{bindir} // die "--bindir is missing\n";
my $directory = $option{directory} // tempdir('pg_triage-bench.XXXXXX', TMPDIR => 1, CLEANUP => !$option{keep});
make_path($directory);
my $data = "$directory/data";
my ($skew, $stale_percent, $tolerance) = (1.05, 2, 0.05);
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

sub psql { return run("$bindir/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', map { ('-c', $_) } @_); }

sub stop_server
{
	kill 'INT', $server_pid;
	waitpid $server_pid, 0;
	undef $server_pid;
}

run("$bindir/initdb", '-D', $data, '-U', 'bench', '-A', 'trust', '--no-sync', '--locale=C');
open my $conf, '>>', "$data/postgresql.conf" or die $!;
print $conf <<"END";
listen_addresses = ''
unix_socket_directories = '$directory'
shared_preload_libraries = 'pg_stat_statements,pg_triage'
fsync = off
autovacuum = off
log_line_prefix = '%n '
log_parameter_max_length = 64
pg_triage.auto_index = off
END
close $conf;
$server_pid = fork // die "fork: $!\n";
if ($server_pid == 0)
{
	open STDOUT, '>', "$directory/server.log";
	open STDERR, '>&', \*STDOUT;
	exec "$bindir/postgres", '-D', $data or exit 127;
}
foreach (1 .. 3000)
{
	last if system("$bindir/pg_isready -q -t 1") == 0;
	die "the server did not start\n" if waitpid($server_pid, WNOHANG) != 0;
	usleep(10000);
}

# Patients are read much more than they are written; vital signs are written all the time.
my %tables = (patient_records => 20000, vital_signs => 3000);
psql('CREATE EXTENSION pg_triage CASCADE');
psql("CREATE TABLE $_ AS SELECT g::int AS patient_id, 0 AS value FROM generate_series(1, $tables{$_}) g",
	"ALTER TABLE $_ ADD PRIMARY KEY (patient_id)", "ANALYZE $_")
  foreach keys %tables;
foreach my $table (keys %tables)
{
	foreach my $kind (qw(read write))
	{
		my $key = $kind eq 'read' ? "random_zipfian(1, $tables{$table}, $skew)" : "random(1, $tables{$table})";
		my $statement = $kind eq 'read' ? "SELECT value FROM $table WHERE patient_id = :i" : "UPDATE $table SET value = value + 1 WHERE patient_id = :i";
		open my $script, '>', "$directory/$kind-$table.sql" or die $!;
		print $script "\\set i $key\n$statement;\n";
		close $script;
	}
}
my $load = fork // die "fork: $!\n";
if ($load == 0)
{
	open STDOUT, '>', "$directory/pgbench.out";
	open STDERR, '>&', \*STDOUT;
	$ENV{PGOPTIONS} = '-c log_min_duration_statement=0';
	exec "$bindir/pgbench", '-n', '-M', 'prepared', '-c', 4, '-R', 1000, '-T', $option{seconds} + 5,
	  map { ('-f', "$directory/$_") } 'read-patient_records.sql@60', 'write-patient_records.sql@3', 'read-vital_signs.sql@25', 'write-vital_signs.sql@12'
	  or exit 127;
}
sleep 3;
my $advice = decode_json(run("$bindir/pg_triage", 'cache', '--quiet', '--format', 'json', '--interval', $option{seconds} / 2,
	'--stale', $stale_percent, '--skew', $skew));
waitpid($load, 0);
die "pgbench failed\n" if $? != 0;
stop_server();

# The record: [seconds, table, read?, key].
my @record;
open my $log, '<', "$directory/server.log" or die $!;
my ($at, $table, $reads);
while (my $line = <$log>)
{
	if ($line =~ /^(\S+) LOG:  duration: \S+ ms  execute \S+: (?:(SELECT).*? FROM|UPDATE) (\w+)/)
	{
		($at, $reads, $table) = ($1, defined $2, $3);
	}
	elsif (defined $at && $line =~ /DETAIL:  parameters: \$1 = '(\d+)'/)
	{
		push @record, [ $at, $table, $reads, $1 ];
		undef $at;
	}
}
@record = sort { $a->[0] <=> $b->[0] } @record;
die "the record is empty\n" unless @record > 1000 && grep { !$_->[2] } @record;

# Plays a cache of one table through the record; hit rate and share of stale answers, once it has settled.
sub play
{
	my ($table, $ttl) = @_;
	my (%filled, %overtaken);
	my ($asked, $hits, $stale) = (0, 0, 0);
	my $from = $record[0][0] + $ttl;
	foreach my $event (@record)
	{
		my ($at, $of, $is_read, $key) = @$event;
		next if $of ne $table;
		if (!$is_read) { $overtaken{$key} = 1; next; }
		my $hit = defined $filled{$key} && $at - $filled{$key} < $ttl;
		if ($at >= $from)
		{
			$asked++;
			$hits++ if $hit;
			$stale++ if $hit && $overtaken{$key};
		}
		if (!$hit) { $filled{$key} = $at; delete $overtaken{$key}; }
	}
	die "the record is too short for a time to live of $ttl s\n" unless $asked;
	return ($hits / $asked, $stale / $asked);
}

my %class_of = (patient_data => 'patient_records', vital_signs => 'vital_signs');
my $failed = 0;
foreach my $class (@{ $advice->{ttl} })
{
	my $of = $class_of{ $class->{data_class} } // next;
	my ($hit_rate, $stale_share) = play($of, $class->{ttl_s});
	my $off = abs($hit_rate - $class->{hit_rate}) > $tolerance || abs($stale_share - $class->{stale_share}) > $tolerance;
	$failed ||= $off;
	printf "%-14s time to live %6.1f s  hit rate: said %5.1f %%, played %5.1f %%  stale: said %4.1f %%, played %4.1f %%%s\n",
	  $class->{data_class}, $class->{ttl_s}, 100 * $class->{hit_rate}, 100 * $hit_rate, 100 * $class->{stale_share}, 100 * $stale_share,
	  $off ? '  OFF' : '';
	delete $class_of{ $class->{data_class} };
}
die 'no advice for ' . join(', ', sort keys %class_of) . "\n" if %class_of;
exit $failed;

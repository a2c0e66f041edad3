#!/usr/bin/env perl
# make bench-churn: many clients and far more different statements than there is room for. Does the memory stay,
# and what do the statements pay?
#
#   make bench-churn [BENCH_OPTIONS='--rounds 9 --turns 10 --seconds 1.5 --clients 64']
#   regress/bench/churn/bench.pl --bindir DIR [--rounds N] [--turns N] [--seconds X] [--clients N] [--columns N]
#                                [--share X] [--directory DIR] [--keep]
#
# Three servers with the same table: one with pg_stat_statements; the same again, which tells how far apart two
# alike are on this machine; and one with pg_triage beside it, all with their default room. Each statement reads two
# of the table's columns by key: with 317 columns there are 100,489 statements, each as likely as any other, so that
# nearly every execution meets one that was evicted.
#
# A machine's speed changes more from one half minute to the next than the servers differ. So all three have their
# clients connected at the same time, and take turns: those of one run for some seconds, the others are stopped. What
# a turn begins with, half a second that wakes everybody up, is not counted. A round has so many turns as fast as
# the clients can, and so many at a share (--share, half) of what the first server did at that. Two servers alike
# differ by some percent for as long as they run, by where their memory happens to lie: they start anew for each round.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/..";
use Getopt::Long;
use Median;
use ThrowAwayCluster;
use Time::HiRes qw(sleep time);

my %option = (rounds => 9, turns => 10, seconds => 1.5, clients => 64, columns => 317, share => 0.5);
GetOptions(\%option, qw(bindir=s directory=s keep rounds=i turns=i seconds=f clients=i columns=i share=f)) or die "usage: see the head of $0\n";
my $room = $option{directory} // tempdir('pg_triage-churn.XXXXXX', TMPDIR => 1, CLEANUP => !$option{keep});
my $rows = 10_000;

my @servers = map {
	my ($name, $libraries) = @$_;
	my $directory = "$room/" . ($name =~ s/\W+/_/gr);
	make_path($directory);
	{
		name => $name,
		cluster => ThrowAwayCluster->start(%option, directory => $directory, settings => [
			"shared_preload_libraries = '$libraries'", 'max_connections = ' . ($option{clients} + 20) ]) }
} ([ 'pg_stat_statements', 'pg_stat_statements' ], [ 'the same again', 'pg_stat_statements' ], [ '+ pg_triage', 'pg_stat_statements,pg_triage' ]);
my ($plain, $ours) = @servers[ 0, -1 ];

sub on
{
	my ($server, $do) = @_;
	local $ENV{PGHOST} = $server->{cluster}{directory};
	return $do->($server->{cluster});
}

my $statement = "\\set a random(0, $option{columns} - 1)\n\\set b random(0, $option{columns} - 1)\n\\set id random(1, $rows)\n"
  . "SELECT \"c:a\", \"c:b\" FROM wide WHERE id = :id;\n";
open my $file, '>', "$room/statement.sql" or die "$room/statement.sql: $!\n";
print $file $statement;
close $file;

foreach my $server (@servers)
{
	on($server, sub {
		my ($cluster) = @_;
		my $last = $option{columns} - 1;
		$cluster->psql(
			'CREATE TABLE wide (id int PRIMARY KEY, ' . join(', ', map { "c$_ int" } 0 .. $last) . ')',
			"INSERT INTO wide SELECT g, " . join(', ', map { "g % ($_ + 2)" } 0 .. $last) . " FROM generate_series(1, $rows) g",
			'VACUUM ANALYZE wide', 'CHECKPOINT', 'CREATE EXTENSION pg_stat_statements',
			$server == $ours ? 'CREATE EXTENSION pg_triage' : ());
	});
}

my $waking_up = 0.5;       # seconds
my $longest_backlog = 100; # ms: of what was due while the clients were stopped, the rest is left out
my $time_to_connect = 60;

sub start_clients
{
	my ($server, $rate) = @_;
	return on($server, sub {
		my ($cluster) = @_;
		my $log = "$cluster->{directory}/log";
		unlink glob "$log*";
		my $pid = fork // die "fork: $!\n";
		return $pid if $pid;
		open STDOUT, '>', "$cluster->{directory}/pgbench.log";
		open STDERR, '>&', \*STDOUT;
		exec "$option{bindir}/pgbench", '-n', '-f', "$room/statement.sql", '-c', $option{clients}, '-j', 2, '-T', 86400,
		  '-l', '--log-prefix', $log, $rate ? ('-R', $rate, '-L', $longest_backlog) : (), 'postgres' or exit 127;
	});
}

sub wait_for_clients
{
	my $server = shift;
	my $connected = q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'};
	my $last = time + $time_to_connect;
	while (on($server, sub { shift->psql($connected) }) < $option{clients})
	{
		die "the clients did not connect, see $server->{cluster}{directory}/pgbench.log\n" if time > $last;
		sleep 0.1;
	}
	return;
}

# What the clients logged within the windows of time: how long each statement took, in milliseconds, sorted.
sub times_within
{
	my ($server, @windows) = @_;
	my @times;
	foreach my $part (glob "$server->{cluster}{directory}/log*")
	{
		my $window = 0;
		open my $lines, '<', $part or die "$part: $!\n";
		while (my $line = <$lines>)
		{
			my (undef, undef, $time, undef, $s, $us, $lag) = split ' ', $line;
			next if !defined $us || $time eq 'skipped';
			my $end = $s + $us / 1e6;
			$window++ while $window < @windows && $windows[$window][1] < $end;
			last if $window == @windows;
			push @times, ($time - ($lag || 0)) / 1000 if $windows[$window][0] <= $end;
		}
	}
	return [ sort { $a <=> $b } @times ];
}

sub start_anew
{
	foreach my $server (@servers)
	{
		on($server, sub {
			my ($cluster) = @_;
			$cluster->stop;
			$cluster->launch;
		});
	}
	take_turns(0, 0, 1);    # what follows is the same as before the start
	return;
}

# The servers' turns: of each the statements' times, and how many there were a second.
sub take_turns
{
	my ($first, $rate, $turns) = @_;
	my @order = map { $servers[ ($_ + $first) % @servers ] } 0 .. $#servers;
	my (%pid, %windows);
	foreach my $server (@order)
	{
		$pid{ $server->{name} } = start_clients($server, $rate);
		wait_for_clients($server);
		kill 'STOP', $pid{ $server->{name} };
	}
	foreach my $turn (1 .. $turns)
	{
		foreach my $server (@order)
		{
			my $start = time;
			kill 'CONT', $pid{ $server->{name} };
			sleep $option{seconds};
			kill 'STOP', $pid{ $server->{name} };
			push @{ $windows{ $server->{name} } }, [ $start + $waking_up, $start + $option{seconds} ];
		}
	}
	# pgbench writes its log when a buffer is full.
	kill 'CONT', values %pid;
	sleep 1;
	kill 'TERM', values %pid;
	waitpid $_, 0 foreach values %pid;
	my $seconds = $turns * ($option{seconds} - $waking_up);
	return map {
		my $times = times_within($_, @{ $windows{ $_->{name} } });
		$_->{name} => { times => $times, rate => @$times / $seconds };
	} @servers;
}

sub percentile
{
	my ($measured, $p) = @_;
	my $times = $measured->{times};
	return $times->[ int($p * $#$times) ];
}

# What the server itself says of the room that pg_triage has.
sub memory
{
	return on($ours, sub { shift->psql(q{SELECT sum(allocated_size) FROM pg_shmem_allocations WHERE name LIKE 'pg_triage%'}) });
}

my %figures;
sub note_figures
{
	my ($what, @of_servers) = @_;
	push @{ $figures{$what} }, [@of_servers];
}

my $bound = on($ours, sub { shift->psql(q{SELECT pg_size_bytes(current_setting('pg_triage.memory'))}) });
my $memory_before = memory();
take_turns(0, 0, $option{turns});    # until here nothing was evicted
my $at_a_share = sprintf 'at %.0f %% of that', 100 * $option{share};
my $rate;
foreach my $round (1 .. $option{rounds})
{
	start_anew();
	my %fast = take_turns($round, 0, $option{turns});
	$rate //= int($fast{ $plain->{name} }{rate} * $option{share});
	my %loaded = take_turns($round, $rate, $option{turns});
	note_figures('statements a second, as fast as can be', map { $fast{ $_->{name} }{rate} } @servers);
	foreach my $p (50, 99)
	{
		note_figures("p$p ms as fast as can be", map { percentile($fast{ $_->{name} }, $p / 100) } @servers);
		note_figures("p$p ms $at_a_share", map { percentile($loaded{ $_->{name} }, $p / 100) } @servers);
	}
	print STDERR "round $round of $option{rounds}\n";
}

printf "%d clients, %d different statements, %d rounds of %d turns of %g s\n\n", $option{clients}, $option{columns}**2,
  $option{rounds}, $option{turns}, $option{seconds};
print "ratios in the same round: the median, and their range over the rounds; to the first server, and to both without\n";
print "pg_triage (their geometric mean), which chance moves less\n";
printf "%-40s %20s   %-26s %-26s %s\n", '', (map { $_->{name} } @servers), 'to both';
foreach my $what (sort keys %figures)
{
	my @rounds = @{ $figures{$what} };
	my $of_ratios = sub {
		my @ratios = sort { $a <=> $b } @_;
		return sprintf '%.3f (%.3f to %.3f)', median(@ratios), @ratios[ 0, -1 ];
	};
	printf "%-40s %20.3f   %-26s %-26s %s\n", $what, median(map { $_->[0] } @rounds),
	  $of_ratios->(map { $_->[1] / $_->[0] } @rounds), $of_ratios->(map { $_->[2] / $_->[0] } @rounds),
	  $of_ratios->(map { $_->[2] / sqrt($_->[0] * $_->[1]) } @rounds);
}

my $memory_after = memory();
printf "\nshared memory of pg_triage: %d bytes before, %d after; pg_triage.memory: %d bytes\n", $memory_before, $memory_after, $bound;
on($ours, sub {
	foreach my $line (split /\n/, shift->psql(q{SELECT "check" || ': ' || detail FROM triage.self_check()
		WHERE "check" IN ('memory', 'nothing was dropped', 'evictions', 'samples succeed')}))
	{
		print "$line\n";
	}
});
die "the memory is not what it was, or beyond its bound\n" if $memory_before != $memory_after || $memory_after > $bound;

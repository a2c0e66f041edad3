#!/usr/bin/env perl
# make bench-churn: many clients and far more different statements than there is room for. Does the memory stay,
# and what do the statements pay?
#
#   make bench-churn [BENCH_OPTIONS='--rounds 5 --seconds 10 --clients 64']
#   regress/bench/churn/bench.pl --bindir DIR [--rounds N] [--seconds N] [--clients N] [--columns N] [--share X]
#                                [--directory DIR] [--keep]
#
# Three servers with the same table: one with pg_stat_statements; the same again, which tells how far apart two
# alike are on this machine; and one with pg_triage beside it, all with their default room. Each statement reads two
# of the table's columns by key: with 317 columns there are 100,489 statements, each as likely as any other, so that
# nearly every execution meets one that was evicted. Every round loads one server after the other (each round
# begins with another), as fast as the clients can, and at a share (--share, half) of what the first one did at that;
# the latter is what the statement times are taken from, from when it was sent.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/..";
use Getopt::Long;
use ThrowAwayCluster;

my %option = (rounds => 5, seconds => 10, clients => 64, columns => 317, share => 0.5);
GetOptions(\%option, qw(bindir=s directory=s keep rounds=i seconds=i clients=i columns=i share=f)) or die "usage: see the head of $0\n";
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

# Runs the load; the statements' times in milliseconds, sorted, and how many a second there were.
sub load
{
	my ($server, $rate) = @_;
	return on($server, sub {
		my ($cluster) = @_;
		my $log = "$cluster->{directory}/log";
		unlink glob "$log*";
		$cluster->run("$option{bindir}/pgbench", '-n', '-f', "$room/statement.sql", '-c', $option{clients}, '-j', 2,
			'-T', $option{seconds}, '-l', '--log-prefix', $log, $rate ? ('-R', $rate) : (), 'postgres');
		my @times;
		foreach my $part (glob "$log*")
		{
			open my $lines, '<', $part or die "$part: $!\n";
			while (my $line = <$lines>)
			{
				chomp $line;
				my (undef, undef, $time, undef, undef, undef, $lag) = split ' ', $line;
				push @times, ($time - ($lag // 0)) / 1000;
			}
		}
		@times = sort { $a <=> $b } @times;
		return { times => \@times, rate => @times / $option{seconds} };
	});
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
load($_, 0) foreach @servers;    # until here nothing was evicted
my @what = ('statements a second, as fast as can be', map { "p$_ ms at " . sprintf('%.0f', 100 * $option{share}) . ' % of that' } 50, 99);
my $rate;
foreach my $round (1 .. $option{rounds})
{
	my @order = map { $servers[ ($_ + $round) % @servers ] } 0 .. $#servers;
	my %fast = map { $_->{name} => load($_, 0) } @order;
	$rate //= int($fast{ $plain->{name} }{rate} * $option{share});
	my %loaded = map { $_->{name} => load($_, $rate) } @order;
	note_figures($what[0], map { $fast{ $_->{name} }{rate} } @servers);
	note_figures($what[1], map { percentile($loaded{ $_->{name} }, 0.50) } @servers);
	note_figures($what[2], map { percentile($loaded{ $_->{name} }, 0.99) } @servers);
	print STDERR "round $round of $option{rounds}\n";
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return @sorted % 2 ? $sorted[ $#sorted / 2 ] : ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2;
}

printf "%d clients, %d different statements, %d rounds of %d s\n\n", $option{clients}, $option{columns}**2,
  $option{rounds}, $option{seconds};
print "ratios to the first server in the same round: the median, and their range over the rounds\n";
printf "%-40s %20s   %-26s %s\n", '', map { $_->{name} } @servers;
foreach my $what (@what)
{
	my @rounds = @{ $figures{$what} };
	my $ratio_of = sub {
		my $server = shift;
		my @ratios = sort { $a <=> $b } map { $_->[$server] / $_->[0] } @rounds;
		return sprintf '%.3f (%.3f to %.3f)', median(@ratios), @ratios[ 0, -1 ];
	};
	printf "%-40s %20.3f   %-26s %s\n", $what, median(map { $_->[0] } @rounds), map { $ratio_of->($_) } 1, 2;
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

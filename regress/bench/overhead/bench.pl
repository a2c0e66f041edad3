#!/usr/bin/env perl
# make bench-overhead: what watching a statement costs, for us and for others: user instructions an execution, and
# beside them backends' processor time.
#
#   make bench-overhead [BENCH_OPTIONS='--only prepared --few 200 --many 1200 --layouts 5 --rounds 5 --seconds 2']
#   regress/bench/overhead/bench.pl --bindir DIR [--only REGEX] [--variants REGEX] [--few N] [--many N]
#                                   [--layouts N] [--rounds N] [--seconds N] [--callgrind FILE] [--directory DIR]
#                                   [--keep]
#
# cachegrind counts the instructions of a single-user server that executes the same statement 200 times, and
# 1200 times; the thousandth part of the difference is one execution's. This repeats to 0.1 %, on a busy machine
# too, and is blind to the kernel, to waiting, and to what clients and several backends do to each other.
# pg_qualstats and auto_explain are measured where they are installed. --callgrind writes a profile of the last
# variant instead, for callgrind_annotate.
#
# Whatever is loaded moves the heap, and with it how long malloc looks for room, by some hundred instructions an
# execution up or down; the length of a setting does, too. So all is measured with --layouts different lengths of
# cluster_name, each variant compared with pg_stat_statements of the same length: the median, and their range. The last
# column, of the first layout, leaves out what is executed in malloc itself.
#
# Processor time knows the kernel, too, and caches; see ProcessorTime.pm. It is of real servers with one client, a
# turn of some seconds for each in every round (--rounds 0: none), and less exact by far.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/..", $FindBin::Bin;
use Getopt::Long;
use Median;
use ProcessorTime;
use ThrowAwayCluster;

my %option = (few => 200, many => 1200, only => '.', variants => '.', layouts => 5, rounds => 5, seconds => 2);
GetOptions(\%option, qw(bindir=s directory=s keep few=i many=i only=s variants=s layouts=i rounds=i seconds=f callgrind=s))
  or die "usage: see the head of $0\n";
die "few and many must be at least 100 and 100 apart\n" if $option{few} < 100 || $option{many} < $option{few} + 100;
$option{layouts} = 1 if $option{callgrind};
die "there must be at least one layout\n" if $option{layouts} < 1;

my @workloads = (
	[ '-S simple', '', 'SELECT abalance FROM pgbench_accounts WHERE aid = %d' ],
	[ '-S prepared', 'PREPARE s(int) AS SELECT abalance FROM pgbench_accounts WHERE aid = $1', 'EXECUTE s(%d)' ],
	[ 'join simple', '', join_of('%d') ],
	[ 'join prepared', 'PREPARE s(int) AS ' . join_of('$1'), 'EXECUTE s(%d)' ],
	[ 'insert simple', '', 'INSERT INTO arrivals VALUES (%d, 7, 3)' ],
	[ 'insert prepared', 'PREPARE s(int) AS INSERT INTO arrivals VALUES ($1, 7, 3)', 'EXECUTE s(%d)' ],
	# Each with another target list: a statement that nobody has seen yet.
	[ 'first seen', '', 'SELECT %s FROM pgbench_accounts WHERE aid = %d' ]);

sub join_of
{
	my ($aid) = @_;
	return 'SELECT a.abalance, b.bbalance, v.ward FROM pgbench_accounts a JOIN pgbench_branches b ON b.bid = a.bid '
	  . "JOIN visits v ON v.id = a.aid WHERE a.aid = $aid AND b.filler IS NULL AND v.kind < 5";
}

my $statements = 'pg_stat_statements';
my @variants = (
	[ 'vanilla', { shared_preload_libraries => '' } ],
	[ 'pg_stat_statements', { shared_preload_libraries => $statements } ],
	[ '+ pg_triage, never sampled', { shared_preload_libraries => "$statements,pg_triage", 'pg_triage.sample_rate' => 0 } ],
	[ '+ pg_triage, default', { shared_preload_libraries => "$statements,pg_triage" } ],
	[ '+ pg_triage, rate 1', { shared_preload_libraries => "$statements,pg_triage", 'pg_triage.sample_rate' => 1, 'pg_triage.sample_budget' => 1 } ]);
push @variants,
  [ '+ pg_qualstats, default', { shared_preload_libraries => "$statements,pg_qualstats", 'pg_qualstats.sample_rate' => 0.01 } ],
  [ '+ pg_qualstats, rate 1', { shared_preload_libraries => "$statements,pg_qualstats", 'pg_qualstats.sample_rate' => 1 } ]
  if -e library('pg_qualstats');
push @variants, map {
	[ "+ auto_explain, rate $_", { shared_preload_libraries => "$statements,auto_explain", 'auto_explain.sample_rate' => $_,
		'auto_explain.log_min_duration' => '1min', 'auto_explain.log_analyze' => 'on' } ]
} (0.01, 1);

sub library
{
	my ($name) = @_;
	chomp(my $directory = `$option{bindir}/pg_config --pkglibdir`);
	return "$directory/$name.so";
}

sub make_tables
{
	my ($cluster) = @_;
	$cluster->run("$option{bindir}/pgbench", '-i', '-q', '-s', 1, 'postgres');
	$cluster->psql(
		'CREATE UNLOGGED TABLE arrivals (id int, ward int, kind int)', # its inserts cost the same whenever they run
		'CREATE TABLE visits (id int, ward int, kind int)',
		'INSERT INTO visits SELECT g, g % 40, g % 10 FROM generate_series(1, 100000) g',
		'CREATE INDEX ON visits (id)', 'VACUUM ANALYZE', 'CHECKPOINT');
	return;
}

my $cluster = ThrowAwayCluster->start(%option, settings => [ "shared_preload_libraries = '$statements'" ]);
make_tables($cluster);
my $directory = $cluster->{directory};
$cluster->stop;    # a single-user server takes its place

# A statement for each n; what differs between them is a constant, or for "first seen" the target list.
sub script
{
	my ($workload, $count) = @_;
	my (undef, $prepare, $text) = @$workload;
	my @lines = $prepare ? $prepare : ();
	foreach my $n (1 .. $count)
	{
		my $aid = 1 + $n * 7919 % 100000;
		push @lines, $text =~ /%s/
		  ? sprintf($text, join(', ', map { $n >> $_ & 1 ? 'abalance' : 'bid' } 0 .. 11), $aid)
		  : sprintf($text, $aid);
	}
	return join("\n", @lines) . "\n";
}

# What a variant adds to the one below it.
sub added
{
	my ($above, $below) = @_;
	my @added = sort { $a <=> $b } map { $above->[$_]{all} - $below->[$_]{all} } 0 .. $#$above;
	return sprintf '   %+8.0f  (%+.2f %%)  %14s   %+8.0f', median(@added), 100 * median(@added) / median(map { $_->{all} } @$below),
	  sprintf('%+.0f to %+.0f', @added[ 0, -1 ]), $above->[0]{own} - $below->[0]{own};
}

# All instructions, and those of them in the C library's allocator.
sub instructions
{
	my ($workload, $variant, $layout, $count) = @_;
	my ($input, $counts) = map { "$directory/$_" } 'statements.sql', 'cachegrind.out';
	open my $file, '>', $input or die "$input: $!\n";
	print $file script($workload, $count);
	close $file;
	unlink glob "$directory/data/pg_stat/*";    # nobody knows a statement from the last run
	my @settings = map { ('-c', "$_=$variant->[1]{$_}") } sort keys %{ $variant->[1] };
	push @settings, '-c', 'cluster_name=' . 'x' x (90 * $layout) if $layout > 0;
	my @tool = $option{callgrind}
	  ? ('--tool=callgrind', "--callgrind-out-file=$option{callgrind}")
	  : ('--tool=cachegrind', '--cache-sim=no', "--cachegrind-out-file=$counts");
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0)
	{
		open STDIN, '<', $input or exit 126;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', "$directory/valgrind.log";
		exec 'valgrind', @tool, "$option{bindir}/postgres", '--single', '-D', "$directory/data", '-c', 'jit=off',
		  '-c', 'autovacuum=off', @settings, 'postgres' or exit 127;
	}
	waitpid $pid, 0;
	die "the server failed, see $directory/valgrind.log\n" if $? != 0;
	open my $log, '<', "$directory/valgrind.log" or die $!;
	my $found;
	while (my $line = <$log>)
	{
		$found = $1 =~ s/,//gr if $line =~ /(?:I\s+refs|Collected)\s*:\s*([\d,]+)/;
		die "the server said: $line" if $line =~ /(?:ERROR|FATAL):/;
	}
	die "no count in $directory/valgrind.log\n" if !defined $found;
	return ($found, $option{callgrind} ? 0 : in_allocator($counts));
}

# cachegrind's file has the instructions of each source file's functions, line by line.
sub in_allocator
{
	my ($counts) = @_;
	open my $lines, '<', $counts or die "$counts: $!\n";
	my ($sum, $inside) = (0, 0);
	while (my $line = <$lines>)
	{
		$inside = $1 =~ m{/malloc\.c$} if $line =~ /^fl=(.*)/;
		$sum += $1 if $inside && $line =~ /^\d+ (\d+)/;
	}
	return $sum;
}

$| = 1;
foreach my $workload (grep { $_->[0] =~ /$option{only}/ } @workloads)
{
	my %cost;
	printf "%-40s %8s %11s %15s   %s\n", $workload->[0], 'added', '', 'range', 'beside malloc';
	foreach my $variant (grep { $_->[0] =~ /$option{variants}/ } @variants)
	{
		my @by_layout;
		foreach my $layout (0 .. $option{layouts} - 1)
		{
			my @few = instructions($workload, $variant, $layout, $option{few});
			my @many = instructions($workload, $variant, $layout, $option{many});
			my ($all, $allocator) = map { ($many[$_] - $few[$_]) / ($option{many} - $option{few}) } 0, 1;
			push @by_layout, { all => $all, own => $all - $allocator };
		}
		$cost{ $variant->[0] } = \@by_layout;
		my $below = $variant->[0] eq 'vanilla' ? undef : $cost{ $variant->[0] =~ /^\+/ ? 'pg_stat_statements' : 'vanilla' };
		printf "  %-28s %9.0f%s\n", $variant->[0], median(map { $_->{all} } @by_layout), defined $below ? added(\@by_layout, $below) : '';
	}
}

sub print_processor_time
{
	my @chosen = grep { $_->[0] eq $statements || $_->[0] =~ /$option{variants}/ } @variants;
	my ($base) = grep { $chosen[$_][0] eq $statements } 0 .. $#chosen;
	splice @chosen, $base + 1, 0, [ 'the same again', $chosen[$base][1] ];
	my $measured = ProcessorTime->new(bindir => $option{bindir}, directory => $directory, prepare => \&make_tables, variants => \@chosen);
	my %text = map { $_->[0] => $_->[2] } @workloads;
	print "\nprocessor time of a backend, microseconds an execution, and its ratio to pg_stat_statements alone in the same round:\n"
	  . "medians of $option{rounds} rounds of $option{seconds} s, and the ratios' range\n";
	foreach my $name (map { $_->[0] } @workloads)
	{
		my ($query, $mode) = $name =~ /^(.*) (simple|prepared)$/ or next;
		next if $name !~ /$option{only}/;
		my $script = "$directory/execution.sql";
		open my $file, '>', $script or die "$script: $!\n";
		print $file "\\set aid random(1, 100000)\n", $text{"$query simple"} =~ s/%d/:aid/r, ";\n";
		close $file;
		my %us = $measured->measure($mode, $script, $option{rounds}, $option{seconds});
		my $alone = $us{$statements};
		print "$name\n";
		foreach my $variant (map { $_->[0] } @chosen)
		{
			my @ratios = sort { $a <=> $b } map { $us{$variant}[$_] / $alone->[$_] } 0 .. $#$alone;
			printf "  %-28s %9.2f   %.3f (%.3f to %.3f)\n", $variant, median(@{ $us{$variant} }), median(@ratios), @ratios[ 0, -1 ];
		}
	}
	return;
}

print_processor_time() if $option{rounds} > 0 && !$option{callgrind};

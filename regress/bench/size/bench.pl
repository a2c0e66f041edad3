#!/usr/bin/env perl
# make bench-size: how large an index is said to become, against how large it becomes; see README.md.
#
#   make bench-size [BENCH_OPTIONS='--rows 2000000 --only REGEX']
#   regress/bench/size/bench.pl --bindir DIR [--directory DIR] [--keep] [--rows N] [--only REGEX]
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/..";
use Getopt::Long;
use List::Util qw(max sum0);
use ThrowAwayCluster;

my %option = (rows => 2_000_000);
GetOptions(\%option, qw(bindir=s directory=s keep rows=i only=s)) or die "usage: see the head of $0\n";
$| = 1;

open my $file, '<', "$FindBin::Bin/definitions.sql" or die "definitions.sql: $!\n";
my ($table, $definitions) = split /^-- definitions\n/m, join '', <$file>;
$table =~ s/:rows/$option{rows}/g;
my @definitions = split /\n/, $definitions;
@definitions = grep { /$option{only}/ } @definitions if defined $option{only};

my $cluster = ThrowAwayCluster->start(%option,
	settings => [
		"shared_preload_libraries = 'pg_stat_statements,pg_triage'", "pg_triage.auto_index = off",
		"shared_buffers = 512MB", "maintenance_work_mem = 512MB", "max_parallel_maintenance_workers = 0",
		"max_wal_size = 8GB", "checkpoint_timeout = 1h"
	]);
my $rival = $cluster->psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'");
$cluster->psql('CREATE EXTENSION pg_triage CASCADE', $rival ? 'CREATE EXTENSION hypopg' : (), $table,
	'VACUUM ANALYZE observations');
printf "PostgreSQL %s, %d rows, %d definitions%s\n\n", $cluster->psql('SHOW server_version'), $option{rows},
  scalar @definitions, $rival ? '' : ' (HypoPG is not installed)';

sub statement
{
	my $definition = shift;
	my $unique = $definition =~ s/^UNIQUE // ? 'UNIQUE ' : '';
	return "CREATE ${unique}INDEX measured ON observations $definition";
}

sub quote { return q(') . ($_[0] =~ s/'/''/gr) . q('); }

# A form of index that the rival does not know is no size at all.
sub rival_size
{
	my $ddl = quote(shift);
	return undef if !$rival;
	my $answer = eval {
		$cluster->psql("DO \$do\$ BEGIN PERFORM set_config('bench.size', hypopg_relation_size(indexrelid)::text, false)"
			  . " FROM hypopg_create_index($ddl); EXCEPTION WHEN OTHERS THEN PERFORM set_config('bench.size', '', false); END \$do\$",
			"SELECT current_setting('bench.size')");
	};
	return $answer ? $answer : undef;
}

my %ratios;
printf "%-56s %9s  %9s %7s  %9s %7s\n", 'index', 'real kB', 'triage kB', 'ratio', 'hypopg kB', 'ratio';
foreach my $definition (@definitions)
{
	my $ddl = statement($definition);
	# Predicted before there is an index that could bring statistics of its own.
	my ($ours, $height) = split /\|/, $cluster->psql('SELECT bytes, tree_height FROM triage.estimate_index_size(' . quote($ddl) . ')');
	my $theirs = rival_size($ddl);
	my $real = $cluster->psql($ddl, "SELECT pg_relation_size('measured')", 'DROP INDEX measured');
	my @columns = map { defined $_ ? sprintf('%9d %7.2f', $_ / 1024, $_ / $real) : sprintf('%9s %7s', '-', '-') } $ours, $theirs;
	push @{ $ratios{ours} },   $ours / $real;
	push @{ $ratios{theirs} }, $theirs / $real if defined $theirs;
	printf "%-56s %9d  %s  %s\n", $definition, $real / 1024, @columns;
}

# How far off, as a factor: 0.5 is as bad as 2.
sub off { return $_[0] < 1 ? 1 / $_[0] : $_[0]; }

sub summary
{
	my ($name, @ratios) = @_;
	return if !@ratios;
	my $within = sub { my $share = shift; return 100 * (grep { abs($_ - 1) <= $share } @ratios) / @ratios; };
	printf "%-10s within 10 %%: %5.1f %%   within 25 %%: %5.1f %%   worst: %.2f   total factor (geometric mean): %.3f\n", $name,
	  $within->(0.10), $within->(0.25), max(map { off($_) } @ratios), exp(sum0(map { log(off($_)) } @ratios) / @ratios);
	return $within->(0.10) >= 90 && $within->(0.25) == 100;
}

print "\n";
my $good = summary('pg_triage', @{ $ratios{ours} });
summary('HypoPG', @{ $ratios{theirs} // [] });
print "\nwanted of pg_triage: within 10 % for 90 % of the definitions, within 25 % for all: ", $good ? "met\n" : "missed\n";
exit($good ? 0 : 1);

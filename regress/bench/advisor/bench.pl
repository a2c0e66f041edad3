#!/usr/bin/env perl
# make bench-advisor: whose indexes serve a workload best, for which price; see README.md.
#
#   make bench-advisor [BENCH_OPTIONS='--workloads clinical --budgets 15 --short']
#   regress/bench/advisor/bench.pl --bindir DIR [--directory DIR] [--keep] [--workloads NAME,...]
#       [--budgets PERCENT,...] [--advisors NAME,...] [--sizes hypopg|pg_triage] [--short] [--show]
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/..";
use Getopt::Long;
use HypotheticalCosts;
use List::Util qw(max min sum0);
use RealIndexes;
use Rivals;
use Session;
use ThrowAwayCluster;
use Time::HiRes qw(time);
use WorkloadRun;

my %option = (
	workloads => join(',', map { s{.*/(.*)\.pl$}{$1}r } sort glob "$FindBin::Bin/workloads/*.pl"),
	budgets   => '5,15,50',
	sizes     => 'hypopg',
	advisors  => 'pg_triage,single column,Extend,DB2Advis,AutoAdmin,pg_qualstats');
GetOptions(\%option, qw(bindir=s directory=s keep workloads=s budgets=s advisors=s sizes=s short show)) or die "usage: see the head of $0\n";
my @budgets = split /,/, $option{budgets};
my @advisors = split /,/, $option{advisors};
my $runs = $option{short} ? 1 : 3;
my $rounds = $option{short} ? 1 : 5;
my $writes = $option{short} ? 500 : 4000;
$| = 1;

my $cluster = ThrowAwayCluster->start(%option,
	settings => [
		"shared_preload_libraries = 'pg_stat_statements,pg_triage,pg_qualstats'", "pg_triage.auto_index = off",
		# At its default it would look at one execution in a hundred.
		"pg_qualstats.sample_rate = 1", "pg_qualstats.max = 5000",
		"shared_buffers = 512MB", "synchronous_commit = off", "max_wal_size = 4GB", "jit = off",
		"max_parallel_workers_per_gather = 0", "client_min_messages = warning", "statement_timeout = '2min'"
	]);
printf "PostgreSQL %s\n", $cluster->psql('SHOW server_version');

my %rival = (
	'single column' => \&Rivals::single_column_greedy,
	'Extend'        => \&Rivals::extend,
	'DB2Advis'      => \&Rivals::db2advis,
	'AutoAdmin'     => \&Rivals::autoadmin);

# ---- the advisors --------------------------------------------------------------------------------

# As the brute force of the small cases, which knows no noise.
my $at_its_word = 'pg_triage, every gain';

# What an advisor chose: definitions (what follows CREATE INDEX and the name), planner_calls, seconds.
sub advise
{
	my ($advisor, $workload, $costs, $budget) = @_;
	my $start = time;
	my %advice;
	if ($advisor eq 'pg_triage')    { %advice = ask_pg_triage($workload, $budget) }
	elsif ($advisor eq $at_its_word) { %advice = ask_pg_triage($workload, $budget, 0) }
	elsif ($advisor eq 'pg_qualstats') { %advice = ask_pg_qualstats($workload, $budget) }
	else
	{
		$costs->begin;
		my @chosen = ($rival{$advisor} // die "there is no advisor \"$advisor\"\n")->($costs, $budget);
		%advice = (definitions => [ map { $_->{ddl} } @chosen ], planner_calls => $costs->{spent}{planner_calls});
		$start -= $costs->{spent}{seconds};
	}
	return { advisor => $advisor, budget => $budget, seconds => time - $start, %advice };
}

sub ask_pg_triage
{
	my ($workload, $budget, $min_improvement) = @_;
	my $rows = $workload->{session}->ask_json(sprintf q(SELECT coalesce(json_agg(json_build_object('ddl', ddl, 'bytes', size_bytes, 'search', details -> 'search')), '[]') FROM triage.recommend_indexes(budget_bytes => %d, min_improvement => %s)), $budget, $min_improvement // 'NULL');
	return (definitions => [ map { RealIndexes::definition_of($_->{ddl}) } @$rows ], predicted => [ map { $_->{bytes} } @$rows ], planner_calls => @$rows ? $rows->[0]{search}{planner_calls} : undef);
}

# In the order in which it names them, as far as they fit. It plans nothing.
sub ask_pg_qualstats
{
	my ($workload, $budget) = @_;
	my @ddl = @{ $workload->{session}->ask_json(q(SELECT coalesce(json_agg(i #>> '{}'), '[]') FROM json_array_elements(pg_qualstats_index_advisor() -> 'indexes') i)) };
	my @fitting;
	my $left = $budget;
	foreach my $ddl (@ddl)
	{
		my ($bytes) = @{ $workload->{session}->ask_json('SELECT bench.sizes_by_hypopg(' . Session::text_array($ddl) . ')') };
		next if $bytes > $left;
		$left -= $bytes;
		push @fitting, $ddl =~ s/^CREATE INDEX //r;
	}
	return (definitions => \@fitting, planner_calls => 0);
}

# ---- judging -------------------------------------------------------------------------------------

sub mean { return sum0(@_) / @_; }

# Milliseconds of each statement's instances that are timed: their mean, by its calls.
sub weighted_times
{
	my ($times, @statements) = @_;
	my @times = @$times;
	return sum0 map { $_->{calls} * mean(splice @times, 0, scalar @{ $_->{timed} }) } @statements;
}

# The instances by whose plans all are judged, and their costs' mean, by each statement's calls. Of what is
# prepared the generic plan counts as much as those with values: new sessions have these at first, old ones that.
sub judged { return map { (@{ $_->{judged} }, @{ $_->{generic} }) } @_; }

sub weighted_costs
{
	my ($costs, @statements) = @_;
	my @costs = @$costs;
	return sum0 map {
		my $with_values = mean(splice @costs, 0, scalar @{ $_->{judged} });
		my @generic = splice @costs, 0, scalar @{ $_->{generic} };
		$_->{calls} * mean($with_values, @generic)
	} @statements;
}

# cost: weighted, of all statements that read or look for rows to write; ms: measured, of those that
# read; unused: chosen indexes that are in no plan.
sub judge_reads
{
	my ($workload, $real, @definitions) = @_;
	my $session = $real->session_with(@definitions);
	my @judged = grep { $_->{kind} ne 'insert' } @{ $workload->{statements} };
	my @reads = grep { $_->{kind} eq 'read' } @judged;
	my @answers = $real->answers($session, \@definitions, judged(@judged));
	my %used = map { $_ => 1 } map { @{ $_->{used} } } @answers;
	my $times = $session->ask_json('SELECT bench.times(' . Session::int_array(map { @{ $_->{timed} } } @reads) . ", $runs)");
	return { cost => weighted_costs([ map { $_->{cost} } @answers ], @judged), ms => weighted_times($times, @reads), unused => [ grep { !$used{$_} } 0 .. $#definitions ],
		bytes => $real->bytes(@definitions) };
}

# Milliseconds of one statement of the kind, on the average.
sub judge_writes
{
	my ($workload, $real, $kind, @definitions) = @_;
	my @writes = @{ $workload->{writes}{$kind}{instances} } or return 0;
	my $session = $real->session_with(@definitions);
	$session->ask('BEGIN');
	my $ms = $session->ask('SELECT bench.time_of_all(' . Session::int_array(@writes) . ')');
	$session->ask('ROLLBACK');
	return $ms / @writes;
}

# Of statements that take long without an index, fewer will do.
sub limit_writes
{
	my ($workload, $real) = @_;
	foreach my $kind (qw(insert update))
	{
		my $writes = $workload->{writes}{$kind};
		my @all = @{ $writes->{instances} } or next;
		$writes->{instances} = [ @all[ 0 .. 49 ] ];
		my $ms = judge_writes($workload, $real, $kind);
		$writes->{instances} = [ @all[ 0 .. max(49, min($#all, int(400 / $ms))) ] ];
	}
	return;
}

sub set_of { return join ' & ', sort @_; }

# By set of indexes. Reads first, and those of the small cases before: what writes leave behind, dead rows
# and what points to them, which is much in a small index, would be in their way.
sub judge
{
	my ($workload, $real, @sets) = @_;
	my %verdict;
	$verdict{ set_of(@$_) } //= judge_reads($workload, $real, @$_) foreach @sets;
	limit_writes($workload, $real);
	foreach my $round (1 .. $rounds)
	{
		my %done;
		foreach my $set (grep { !$done{ set_of(@$_) }++ } @sets)
		{
			my $verdict = $verdict{ set_of(@$set) };
			foreach my $kind (qw(insert update))
			{
				$verdict->{$kind} = min(grep { defined } judge_writes($workload, $real, $kind, @$set), $verdict->{$kind});
			}
		}
	}
	return %verdict;
}

# ---- a workload ----------------------------------------------------------------------------------

my %totals = (near_at_its_word => 0, recommended => 0, unused => 0, wins => 0, draws => 0, losses => 0, small => 0, near => 0, unnoticed => 0);

sub bench_workload
{
	my $name = shift;
	my $workload = WorkloadRun->load($name);
	if ($option{short})
	{
		$_->{calls} = int(($_->{calls} + 4) / 5) foreach @{ $workload->{statements} };
	}
	$workload->create($cluster);
	$workload->run($cluster, "$cluster->{directory}/run.sql", @{ $workload->{statements} });
	$workload->{session}->ask('VACUUM ANALYZE');

	# pg_triage first: what the others ask must not look like the workload.
	my @advice = ask_ourselves($workload);
	$workload->write_instances($writes);
	push @advice, ask_rivals($workload, @{ $workload->{statements} });
	my @small = map { advise_small($workload, $_) } sort keys %{ $workload->{small} };

	my $real = RealIndexes->new($cluster, $name);
	$real->build(map { @{ $_->{definitions} } } @advice, map { @{ $_->{advice} } } @small);
	judge_small($real, $_) foreach @small;
	my %verdict = judge($workload, $real, [], map { $_->{definitions} } @advice);
	print_workload($workload, $real, \%verdict, @advice);
	print_small($workload, $real, @small) if @small;
	return;
}

sub ask_ourselves
{
	my ($workload, $as) = @_;
	return map { advise($as // 'pg_triage', $workload, undef, $_ / 100 * $workload->{bytes}) } (grep { $_ eq 'pg_triage' } @advisors) ? @budgets : ();
}

sub ask_rivals
{
	my ($workload, @statements) = @_;
	my $costs = HypotheticalCosts->new($workload->{session}, $option{sizes}, grep { $_->{kind} ne 'insert' } @statements);
	return map {
		my $budget = $_ / 100 * $workload->{bytes};
		map { advise($_, $workload, $costs, $budget) } grep { $_ ne 'pg_triage' } @advisors
	} @budgets;
}

sub print_workload
{
	my ($workload, $real, $verdict, @advice) = @_;
	my $nothing = $verdict->{''};
	my $both = sub { my $v = shift; return $v->{ms} + sum0 map { $workload->{writes}{$_}{calls} * $v->{$_} } qw(insert update) };
	my $slower = sub { my ($v, $kind) = @_; return $nothing->{$kind} ? sprintf '%+.0f%%', 100 * ($v->{$kind} / $nothing->{$kind} - 1) : '-' };
	printf "\n== %s: %.0f MB, %d statements, %d calls, %.1f s without indexes\n", $workload->{title}, $workload->{bytes} / 1e6,
	  scalar @{ $workload->{statements} }, sum0(map { $_->{calls} } @{ $workload->{statements} }), $both->($nothing) / 1000;
	print "cost, reads, all: in percent of what they are without any of the indexes\n";
	foreach my $budget (@budgets)
	{
		my $limit = $budget / 100 * $workload->{bytes};
		printf "\n%-15s %8s %8s %8s %8s %4s %9s %9s %8s %8s\n", "budget $budget %", qw(cost reads all MB n planner seconds insert update);
		foreach my $advice (grep { $_->{budget} == $limit } @advice)
		{
			my $v = $verdict->{ set_of(@{ $advice->{definitions} }) };
			printf "%-15s %8.2f %8.2f %8.2f %7.1f%1s %4d %9s %9.2f %8s %8s\n", $advice->{advisor}, 100 * $v->{cost} / $nothing->{cost},
			  100 * $v->{ms} / $nothing->{ms}, 100 * $both->($v) / $both->($nothing), $v->{bytes} / 1e6, $v->{bytes} > $limit ? '!' : '',
			  scalar @{ $advice->{definitions} }, $advice->{planner_calls} // '-', $advice->{seconds}, map { $slower->($v, $_) } qw(insert update);
			show($advice, $real, map { $_ => 1 } @{ $v->{unused} }) if $option{show};
		}
		count($verdict, grep { $_->{budget} == $limit } @advice);
	}
	return;
}

sub show
{
	my ($advice, $real, %unused) = @_;
	foreach my $place (0 .. $#{ $advice->{definitions} })
	{
		my $definition = $advice->{definitions}[$place];
		printf "    %s%s   %.1f MB%s\n", $definition, $unused{$place} ? '   (in no plan)' : '', $real->bytes($definition) / 1e6,
		  $advice->{predicted} ? sprintf(', predicted %.1f', $advice->{predicted}[$place] / 1e6) : '';
	}
	return;
}

# pg_triage against the best of the others, by the cost of real indexes.
sub count
{
	my ($verdict, @advice) = @_;
	my ($ours) = map { $verdict->{ set_of(@{ $_->{definitions} }) } } grep { $_->{advisor} eq 'pg_triage' } @advice or return;
	my ($advice) = grep { $_->{advisor} eq 'pg_triage' } @advice;
	$totals{recommended} += @{ $advice->{definitions} };
	$totals{unused} += @{ $ours->{unused} };
	my @others = map { $verdict->{ set_of(@{ $_->{definitions} }) }{cost} } grep { $_->{advisor} ne 'pg_triage' } @advice or return;
	my $best = min(@others);
	$totals{ $ours->{cost} < $best * 0.999 ? 'wins' : $ours->{cost} > $best * 1.001 ? 'losses' : 'draws' }++;
	return;
}

# ---- small cases, beside the best of all subsets -------------------------------------------------

my $most_for_all_subsets = 12;

# A few of the statements that read, as a workload of their own.
sub advise_small
{
	my ($workload, $name) = @_;
	my %wanted = map { $_ => 1 } @{ $workload->{small}{$name} };
	my @statements = grep { $wanted{ $_->{name} } } @{ $workload->{statements} };
	$workload->run($cluster, "$cluster->{directory}/run.sql", @statements);
	return { name => $name, statements => \@statements, advice => [ ask_ourselves($workload), ask_ourselves($workload, $at_its_word), ask_rivals($workload, @statements) ] };
}

# What each advice costs, and each subset of the candidates: the indexes that the advisors chose, those of
# the cheapest sets first, up to a number.
sub judge_small
{
	my ($real, $small) = @_;
	my @statements = @{ $small->{statements} };
	my @instances = judged(@statements);
	foreach my $advice (@{ $small->{advice} })
	{
		my @definitions = @{ $advice->{definitions} };
		$advice->{cost} = weighted_costs([ map { $_->{cost} } $real->answers($real->session_with(@definitions), \@definitions, @instances) ], @statements);
		$advice->{bytes} = $real->bytes(@definitions);
	}
	my %seen;
	my @candidates = grep { !$seen{$_}++ } map { @{ $_->{definitions} } } sort { $a->{cost} <=> $b->{cost} } @{ $small->{advice} };
	splice @candidates, $most_for_all_subsets if @candidates > $most_for_all_subsets;
	$small->{candidates} = @candidates;
	$small->{subsets} = [
		map {
			my ($mask, $costs) = @$_;
			my @definitions = map { $candidates[$_] } grep { $mask >> $_ & 1 } 0 .. $#candidates;
			{ definitions => \@definitions, cost => weighted_costs($costs, @statements), bytes => $real->bytes(@definitions) }
		} $real->under_each_subset(\@candidates, @instances) ];
	return;
}

sub print_small
{
	my ($workload, $real, @small) = @_;
	printf "\n%-24s %6s %11s %11s %11s %11s %10s\n", 'small cases: cost', 'budget', 'pg_triage', 'every gain', 'rivals', 'all', 'candidates';
	foreach my $small (@small)
	{
		my @subsets = @{ $small->{subsets} };
		my ($nothing) = map { $_->{cost} } grep { $_->{bytes} == 0 } @subsets;
		foreach my $budget (@budgets)
		{
			my $limit = $budget / 100 * $workload->{bytes};
			my @advice = grep { $_->{budget} == $limit } @{ $small->{advice} };
			my ($ours) = grep { $_->{advisor} eq 'pg_triage' } @advice;
			my ($at_its_word) = grep { $_->{advisor} eq $at_its_word } @advice;
			my ($rival) = sort { $a->{cost} <=> $b->{cost} } grep { $_->{advisor} !~ /^pg_triage/ } @advice;
			my ($cheapest) = sort { $a->{cost} <=> $b->{cost} || $a->{bytes} <=> $b->{bytes} } grep { $_->{bytes} <= $limit } @subsets, @advice;
			my $best = $cheapest->{cost};
			printf "%-24s %4d %% %11s %11s %11s %10.2f  %10d\n", $small->{name}, $budget,
			  (map { $_ ? sprintf '%.2f%s', 100 * $_->{cost} / $nothing, $_->{bytes} > $limit ? '!' : ' ' : '-' } $ours, $at_its_word, $rival), 100 * $best / $nothing, $small->{candidates};
			next if !$ours;
			if ($option{show})
			{
				my %shown = (ours => $ours, 'every gain' => $at_its_word, all => $cheapest);
				print("  $_\n"), show($shown{$_}, $real) foreach 'ours', 'every gain', 'all';
			}
			$totals{small}++;
			$totals{near} += $ours->{cost} <= 1.05 * $best;
			$totals{near_at_its_word} += $at_its_word->{cost} <= 1.05 * $best;
			$totals{unnoticed} += $ours->{cost} <= 1.05 * $best || $ours->{cost} - $best <= 0.01 * $nothing;
		}
	}
	return;
}

bench_workload($_) foreach split /,/, $option{workloads};
printf "\ncost with real indexes, pg_triage and the best of its rivals: better %d times, within 0.1 %% %d times, worse %d times\n", @totals{qw(wins draws losses)};
printf "indexes of pg_triage that are in no plan once built: %d of %d (%.1f %%; wanted: below 2 %%)\n", @totals{qw(unused recommended)},
  100 * $totals{unused} / ($totals{recommended} || 1);
printf "small cases in which pg_triage is within 5 %% of the best of all subsets: %d of %d; or within 1 %% of the cost without indexes: %d; where every gain counts (min_improvement 0) within 5 %%: %d\n", @totals{qw(near small unnoticed near_at_its_word)}
  if $totals{small};

# Index advisors after their publications, on HypoPG's costs and sizes. None of them knows INCLUDE,
# predicates, expressions or directions, and none counts what an index costs the writers: neither do
# their publications, for PostgreSQL's costs of a statement that writes leave its indexes out.
#
# Each takes HypotheticalCosts and a budget in bytes and returns the chosen indexes.
package Rivals;
use strict;
use warnings;

use HypotheticalCosts;
use List::Util qw(min shuffle);

my $widest = 3; # columns

# Columns one by one, always the one that saves most a byte.
sub single_column_greedy
{
	my ($costs, $budget) = @_;
	return extend($costs, $budget, 1);
}

# R. Schlosser, J. Kossmann, M. Boissier: "Efficient scalable multi-attribute index selection using
# recursive strategies", ICDE 2019. In each step either a new index of one column or a column at the
# end of a chosen one, whichever saves most for a byte more.
sub extend
{
	my ($costs, $budget, $width) = @_;
	$width //= $widest;
	my @single = $costs->single_columns;
	$costs->size(@single);
	my @chosen;
	my $size = 0;
	# A change is a new index, and where it takes a chosen one's place, which.
	my $changed = sub {
		my ($new, $place) = @_;
		my @set = @chosen;
		$set[ $place // @set ] = $new;
		return @set;
	};
	# What changes on a table would save: kept until an index changes that its statements may use.
	my %saved;
	my $saves = sub {
		my ($new, $place) = @_;
		my $instead = defined $place ? $chosen[$place]{ddl} : '';
		return $saved{ $new->{table} }{ $new->{ddl} }{$instead} //= do {
			my $costs_on = $costs->on($new->{table});
			$costs_on->total(@chosen) - $costs_on->total($changed->(@_));
		};
	};
	while (1)
	{
		my ($best, $best_ratio, $best_bytes) = (undef, 0);
		my $consider = sub {
			my ($new, $place) = @_;
			my $bytes = $costs->size($new) - (defined $place ? $costs->size($chosen[$place]) : 0);
			return if $size + $bytes > $budget;
			my $ratio = $saves->(@_) / ($bytes > 0 ? $bytes : 1);
			($best, $best_ratio, $best_bytes) = ([@_], $ratio, $bytes) if $ratio > $best_ratio;
		};
		my %begun = map { ("$_->{table}.$_->{columns}[0]" => 1) } @chosen;
		foreach my $new (@single)
		{
			$consider->($new) if !$begun{"$new->{table}.$new->{columns}[0]"};
		}
		foreach my $place (0 .. $#chosen)
		{
			next if @{ $chosen[$place]{columns} } >= $width;
			$consider->($_, $place) foreach $costs->widened($chosen[$place]);
		}
		last if !$best;
		@chosen = $changed->(@$best);
		$size += $best_bytes;
		delete @saved{ $costs->on($best->[0]{table})->tables };
	}
	return @chosen;
}

# G. Valentin, M. Zuliani, D. Zilio, G. Lohman, A. Skelley: "DB2 Advisor: an optimizer smart enough to
# recommend its own indexes", ICDE 2000. Each statement is planned once with every index that its
# columns allow; what the plan uses is a candidate, and its benefit is what the statement saves. The
# candidates go into a knapsack by benefit a byte; indexes that are the front of one that ranks higher
# hand it their benefit. At last random exchanges are tried for a while.
sub db2advis
{
	my ($costs, $budget) = @_;
	my (%benefit, %index);
	foreach my $statement (@{ $costs->{statements} })
	{
		my $one = $costs->only($statement);
		my $saved = $one->total;
		my ($answer) = $one->answers(map { arrangements($_, @{ $statement->{columns}{$_} }) } sort keys %{ $statement->{columns} });
		$saved -= $statement->{calls} * $answer->{cost};
		next if $saved <= 0;
		foreach my $index (@{ $answer->{used} })
		{
			$benefit{ $index->{ddl} } += $saved;
			$index{ $index->{ddl} } = $index;
		}
	}
	$costs->size(values %index);
	my $ratio = sub { $benefit{ $_[0]{ddl} } / $costs->size($_[0]) };
	my $ranked = sub { sort { $ratio->($b) <=> $ratio->($a) || $a->{ddl} cmp $b->{ddl} } values %index };
	foreach my $front (reverse $ranked->())
	{
		foreach my $whole ($ranked->())
		{
			last if $whole == $front;
			next if !is_front_of($front, $whole);
			$benefit{ $whole->{ddl} } += $benefit{ $front->{ddl} };
			delete $index{ $front->{ddl} };
			last;
		}
	}
	my (@chosen, @left);
	foreach my $index ($ranked->())
	{
		if ($costs->size(@chosen, $index) <= $budget) { push @chosen, $index }
		else { push @left, $index }
	}
	return vary($costs, $budget, \@chosen, \@left);
}

my $variations = 100;

sub vary
{
	my ($costs, $budget, $chosen, $left) = @_;
	my @chosen = @$chosen;
	my @left = @$left;
	return @chosen if !@left;
	my $cost = $costs->total(@chosen);
	foreach (1 .. $variations)
	{
		my @set = @chosen;
		splice @set, int rand @set, 1 foreach 1 .. min(scalar @set, 1 + int rand 3);
		foreach my $index (shuffle @left)
		{
			push @set, $index if $costs->size(@set, $index) <= $budget;
		}
		my $new_cost = $costs->total(@set);
		next if $new_cost >= $cost;
		my %in = map { $_->{ddl} => 1 } @set;
		@left = grep { !$in{ $_->{ddl} } } @left, @chosen;
		@chosen = @set;
		$cost = $new_cost;
	}
	return @chosen;
}

# S. Chaudhuri, V. Narasayya: "An efficient, cost-driven index selection tool for Microsoft SQL
# Server", VLDB 1997. The best indexes of each statement by itself are the candidates; of these the
# best pair is found by trying all, and more are added one by one. Indexes of two columns begin with
# a column that was chosen before, and so on. The limit is the budget, where the publication's is a
# number of indexes.
sub autoadmin
{
	my ($costs, $budget) = @_;
	my @possible = $costs->single_columns;
	my (@chosen, %candidate);
	foreach my $width (1 .. $widest)
	{
		foreach my $statement (@{ $costs->{statements} })
		{
			my $one = $costs->only($statement);
			my @own = grep { HypotheticalCosts::may_matter($statement, $_) } @possible;
			$candidate{ $_->{ddl} } = $_ foreach greedy($one, $budget, @own);
		}
		@chosen = greedy($costs, $budget, map { $candidate{$_} } sort keys %candidate);
		%candidate = map { $_->{ddl} => $_ } @chosen;
		@possible = (@possible, map { $costs->widened($_) } grep { @{ $_->{columns} } == $width } @chosen);
	}
	return @chosen;
}

sub greedy
{
	my ($costs, $budget, @candidates) = @_;
	$costs->size(@candidates);
	my @best;
	my $cost = $costs->total;
	my $consider = sub {
		my @set = @_;
		return if $costs->size(@set) > $budget;
		my $new_cost = $costs->total(@set);
		return if $new_cost >= $cost;
		@best = @set;
		$cost = $new_cost;
	};
	foreach my $i (0 .. $#candidates)
	{
		$consider->($candidates[$i]);
		$consider->(@candidates[ $i, $_ ]) foreach $i + 1 .. $#candidates;
	}
	while (1)
	{
		my @before = @best;
		foreach my $more (@candidates)
		{
			$consider->(@before, $more) if !grep { $_ == $more } @before;
		}
		last if @best == @before;
	}
	return @best;
}

# Every sequence of up to `widest` of the columns.
sub arrangements
{
	my ($table, @columns) = @_;
	my @result;
	my @sequences = ([]);
	foreach (1 .. $widest)
	{
		@sequences = map { my $front = $_; map { my $column = $_; (grep { $_ eq $column } @$front) ? () : [ @$front, $column ] } @columns } @sequences;
		push @result, map { HypotheticalCosts::index_on($table, @$_) } @sequences;
	}
	return @result;
}

sub is_front_of
{
	my ($front, $whole) = @_;
	my @columns = @{ $front->{columns} };
	return 0 if $front->{table} ne $whole->{table} || @columns >= @{ $whole->{columns} };
	return !grep { $columns[$_] ne $whole->{columns}[$_] } 0 .. $#columns;
}

1;

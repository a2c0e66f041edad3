# Figures in the middle of others.
package Median;
use strict;
use warnings;

use Exporter qw(import);
our @EXPORT = qw(median typical);

my $times = 20; # that rounds and things are adjusted to each other: changes nothing any more after a few

# The middle of some figures, or of an even number of them the mean of the two in the middle; undef of none.
sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return undef unless @sorted;
	return @sorted % 2 ? $sorted[ $#sorted / 2 ] : ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2;
}

# From rounds, each { thing => positive figure }: what each thing has in a round like most, with what makes all of a
# round larger or smaller taken out (Tukey, Exploratory Data Analysis, 1977: median polish, of logarithms). Not
# every thing need be in each round.
sub typical
{
	my @rounds = map { my $round = $_; +{ map { $_ => log $round->{$_} } keys %$round } } @_;
	my %things = map { %$_ } @rounds;
	my %of_thing = map { $_ => 0 } keys %things;
	my (@of_round, $all);
	for (1 .. $times)
	{
		@of_round = map { my $round = $_; median(map { $round->{$_} - $of_thing{$_} } keys %$round) } @rounds;
		foreach my $thing (keys %things)
		{
			$of_thing{$thing} = median(map { exists $rounds[$_]{$thing} ? $rounds[$_]{$thing} - $of_round[$_] : () } 0 .. $#rounds);
		}
	}
	$all = median(@of_round);
	return { map { $_ => exp($of_thing{$_} + $all) } keys %things };
}

1;

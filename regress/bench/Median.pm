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
# every thing need be in each round. What is in only one tells nothing of it.
sub typical
{
	my @rounds = map { my $round = $_; +{ map { $_ => log $round->{$_} } keys %$round } } @_;
	my %figures;
	foreach my $round (@rounds)
	{
		push @{ $figures{$_} }, $round->{$_} foreach keys %$round;
	}
	my %of_thing = map { $_ => median(@{ $figures{$_} }) } keys %figures;
	my @of_round;
	for (1 .. $times)
	{
		@of_round = map { my $round = $_; median(map { $round->{$_} - $of_thing{$_} } grep { @{ $figures{$_} } > 1 } keys %$round) // 0 } @rounds;
		foreach my $thing (keys %figures)
		{
			$of_thing{$thing} = median(map { exists $rounds[$_]{$thing} ? $rounds[$_]{$thing} - $of_round[$_] : () } 0 .. $#rounds);
		}
	}
	my $all = median(@of_round);
	return { map { $_ => exp($of_thing{$_} + $all) } keys %of_thing };
}

1;

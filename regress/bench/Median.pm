# The middle of some figures, or of an even number of them the mean of the two in the middle; undef of none.
package Median;
use strict;
use warnings;

use Exporter qw(import);
our @EXPORT = qw(median);

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return undef unless @sorted;
	return @sorted % 2 ? $sorted[ $#sorted / 2 ] : ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2;
}

1;

# What the workload would cost under a set of hypothetical indexes, according to HypoPG: the question
# that every rival asks. An answer is asked for once for each statement and set of indexes that may
# matter to it, as the evaluation of Kossmann, Halfpap, Jankrift and Schlosser does ("Magic mirror in
# my hand, which is the best in the land? An experimental evaluation of index selection algorithms",
# PVLDB 13, 2020).
#
# The answers outlive a run of an advisor, but each run pays for all that it asks: in calls of the
# planner, and in the seconds that the answer took when it was first given.
package HypotheticalCosts;
use strict;
use warnings;

use List::Util qw(sum0);
use Session;
use Time::HiRes qw(time);

# sizes_by: hypopg or pg_triage.
sub new
{
	my ($class, $session, $sizes_by, @statements) = @_;
	my $self = bless { session => $session, sizes_by => $sizes_by, statements => \@statements, cache => {}, sizes => {} }, $class;
	$self->begin;
	return $self;
}

# Another run begins.
sub begin
{
	my $self = shift;
	$self->{spent} = { planner_calls => 0, seconds => 0 }; # seconds: of answers known from other runs
	$self->{asked} = {};
	$self->{on} = {};
	return;
}

# The seconds that the answers of this run took, whenever they were given.
sub seconds_of_answers
{
	my $self = shift;
	return sum0 map { $self->{cache}{$_}{seconds} } keys %{ $self->{asked} };
}

# An index is { table, columns, ddl }; the same one is always the same object.
my %known;

sub index_on
{
	my ($table, @columns) = @_;
	my $ddl = "ON $table (" . join(', ', @columns) . ')';
	return $known{$ddl} //= { table => $table, columns => [@columns], ddl => $ddl };
}

sub may_matter
{
	my ($statement, $index) = @_;
	my $columns = $statement->{columns}{ $index->{table} } or return 0;
	return scalar grep { my $column = $_; grep { $_ eq $column } @{ $index->{columns} } } @$columns;
}

# Of each statement: { cost (of one execution), used => [index…] }.
sub answers
{
	my ($self, @indexes) = @_;
	@indexes = grep { $self->{tables}{ $_->{table} } } @indexes if $self->{tables};
	my (@keys, %missing);
	foreach my $statement (@{ $self->{statements} })
	{
		my @offered = sort { $a->{ddl} cmp $b->{ddl} } grep { may_matter($statement, $_) } @indexes;
		my $set = join ' & ', map { $_->{ddl} } @offered;
		my $key = "$statement->{id}: $set";
		push @keys, $key;
		push @{ $missing{$set}{statements} }, [ $statement, $key ] if !$self->{cache}{$key};
		$missing{$set}{offered} = \@offered if $missing{$set};
	}
	foreach my $question (values %missing)
	{
		my $start = time;
		my @offered = @{ $question->{offered} };
		my @asked = @{ $question->{statements} };
		my $answers = $self->{session}->ask_json('SELECT bench.hypothetical('
			  . Session::text_array(map { "CREATE INDEX $_->{ddl}" } @offered) . ', '
			  . Session::int_array(map { @{ $_->[0]{shown} } } @asked) . ')');
		my $seconds = (time - $start) / @asked;
		foreach (@asked)
		{
			my ($statement, $key) = @$_;
			my @instances = splice @$answers, 0, scalar @{ $statement->{shown} };
			my ($cost, %used) = (0);
			foreach my $instance (@instances)
			{
				$cost += $instance->{cost} / @instances;
				$used{$_} = 1 foreach @{ $instance->{used} };
			}
			$self->{cache}{$key} = { cost => $cost, used => [ map { $offered[$_] } sort { $a <=> $b } keys %used ],
				seconds => $seconds, calls => scalar @instances, fresh => 1 };
		}
	}
	return map {
		my $answer = $self->{cache}{$_};
		if (!$self->{asked}{$_}++)
		{
			$self->{spent}{planner_calls} += $answer->{calls};
			$self->{spent}{seconds} += $answer->{seconds} if !delete $answer->{fresh};
		}
		$answer
	} @keys;
}

sub total
{
	my ($self, @indexes) = @_;
	my @answers = $self->answers(@indexes);
	my $sum = 0;
	$sum += $self->{statements}[$_]{calls} * $answers[$_]{cost} foreach 0 .. $#answers;
	return $sum;
}

# Of one statement alone.
sub only
{
	my ($self, $statement) = @_;
	return $self->part($statement);
}

# Of those that mention a table.
sub on
{
	my ($self, $table) = @_;
	return $self->{on}{$table} //= do {
		my @statements = grep { $_->{columns}{$table} } @{ $self->{statements} };
		my %tables = map { $_ => 1 } map { keys %{ $_->{columns} } } @statements;
		my $part = $self->part(@statements);
		$part->{tables} = \%tables;
		$part;
	};
}

sub part
{
	my ($self, @statements) = @_;
	my %of_all = %$self;
	delete @of_all{qw(on tables single_columns)};
	return bless { %of_all, statements => \@statements }, ref $self;
}

# That these statements mention. What is on others does not matter to them.
sub tables { my $self = shift; return sort keys %{ $self->{tables} }; }

sub size
{
	my ($self, @indexes) = @_;
	my @unknown = grep { !$self->{sizes}{ $_->{ddl} } } @indexes;
	if (@unknown)
	{
		my $sizes = $self->{session}->ask_json("SELECT bench.sizes_by_$self->{sizes_by}(" . Session::text_array(map { "CREATE INDEX $_->{ddl}" } @unknown) . ')');
		@{ $self->{sizes} }{ map { $_->{ddl} } @unknown } = @$sizes;
	}
	my $sum = 0;
	$sum += $self->{sizes}{ $_->{ddl} } foreach @indexes;
	return $sum;
}

# Every column that some statement mentions, as an index of its own.
sub single_columns
{
	my $self = shift;
	return map { @{ $self->single_columns_by_table->{$_} } } sort keys %{ $self->single_columns_by_table };
}

sub single_columns_by_table
{
	my $self = shift;
	return $self->{single_columns} //= do {
		my %found;
		foreach my $columns (map { $_->{columns} } @{ $self->{statements} })
		{
			foreach my $table (keys %$columns)
			{
				$found{$table}{$_} = index_on($table, $_) foreach @{ $columns->{$table} };
			}
		}
		+{ map { my $of = $found{$_}; $_ => [ map { $of->{$_} } sort keys %$of ] } keys %found };
	};
}

# The index with each of the other columns of its table that are mentioned, at its end.
sub widened
{
	my ($self, $index) = @_;
	return map { index_on($index->{table}, @{ $index->{columns} }, $_) }
	  grep { my $column = $_; !grep { $_ eq $column } @{ $index->{columns} } }
	  map { $_->{columns}[0] } @{ $self->single_columns_by_table->{ $index->{table} } };
}

1;

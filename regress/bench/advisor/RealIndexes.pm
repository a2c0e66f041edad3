# Every index that some advisor chose, really built, once. Then sets of them are judged: the others
# are made invalid, not ready and not live in pg_index, so that neither the planner nor a writer of a
# session that begins afterwards knows of them. Everything else, the statistics above all, stays the
# same for all sets.
package RealIndexes;
use strict;
use warnings;

use Session;

# Neither sampler is to be paid for while times are taken.
my @measuring = ('pg_triage.enabled = off', 'pg_qualstats.enabled = off');

sub new
{
	my ($class, $cluster, $database) = @_;
	return bless { cluster => $cluster, database => $database, session => Session->new($cluster, $database, @measuring), made => {} }, $class;
}

# What follows CREATE INDEX and the name.
sub definition_of { return $_[0] =~ s/^CREATE INDEX (?:CONCURRENTLY )?\S+ (?=ON )//r; }

sub build
{
	my ($self, @definitions) = @_;
	my %with_expression;
	foreach my $definition (@definitions)
	{
		next if $self->{made}{$definition};
		my $name = 'made_' . (1 + keys %{ $self->{made} });
		$self->{session}->ask("CREATE INDEX $name $definition");
		my ($bytes, $table) = split /\|/, $self->{session}->ask(
			"SELECT pg_relation_size(indexrelid), CASE WHEN indexprs IS NOT NULL THEN indrelid::regclass END FROM pg_index WHERE indexrelid = '$name'::regclass");
		$self->{made}{$definition} = { name => $name, bytes => $bytes };
		$with_expression{$table} = 1 if $table;
	}
	# An expression has statistics of its own only now. Of the rest they shall stay as they were.
	$self->{session}->ask("ANALYZE $_") foreach sort keys %with_expression;
	return;
}

# All of them, so that they are in nobody's way.
sub drop
{
	my $self = shift;
	my @names = map { $_->{name} } values %{ $self->{made} };
	$self->{session}->ask('CALL bench.switch_to(' . Session::text_array(@names) . ')');
	$self->{session}->ask("DROP INDEX $_") foreach @names;
	$self->{made} = {};
	return;
}

sub bytes { my ($self, @definitions) = @_; my $sum = 0; $sum += $self->{made}{$_}{bytes} foreach @definitions; return $sum; }
sub names { my ($self, @definitions) = @_; return map { $self->{made}{$_}{name} } @definitions; }

# A session that knows just these indexes.
sub session_with
{
	my ($self, @definitions) = @_;
	$self->{session}->ask('CALL bench.switch_to(' . Session::text_array($self->names(@definitions)) . ')');
	return Session->new(@$self{qw(cluster database)}, @measuring);
}

# Of the statements' instances: [{ cost, used => [places of definitions] }…].
sub answers
{
	my ($self, $session, $definitions, @instances) = @_;
	return @{ $session->ask_json('SELECT bench.real(' . Session::text_array($self->names(@$definitions)) . ', ' . Session::int_array(@instances) . ')') };
}

# Costs of the instances under every subset: rows of [mask, [costs]].
sub under_each_subset
{
	my ($self, $definitions, @instances) = @_;
	my $session = $self->session_with(@$definitions);
	my $rows = $session->ask_json('SELECT json_agg(json_build_array(mask, costs)) FROM bench.under_each_subset('
		  . Session::text_array($self->names(@$definitions)) . ', ' . Session::int_array(@instances) . ')');
	$session->ask('VACUUM pg_index');
	return @$rows;
}

1;

# One connection that stays open, through psql.
package Session;
use strict;
use warnings;

use IPC::Open2;
use JSON::PP;

my $end = '.end of the answer';

sub new
{
	my ($class, $cluster, $database, @settings) = @_;
	my $pid = open2(my $out, my $in, "$cluster->{bindir}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $database);
	my $self = bless { pid => $pid, in => $in, out => $out }, $class;
	$in->autoflush(1);
	$self->ask("SET $_") foreach @settings;
	return $self;
}

# The lines that a statement prints.
sub ask
{
	my ($self, $statement) = @_;
	print { $self->{in} } "$statement;\n\\echo '$end'\n";
	my @lines;
	while (defined(my $line = readline $self->{out}))
	{
		chomp $line;
		return wantarray ? @lines : join("\n", @lines) if $line eq $end;
		push @lines, $line;
	}
	die 'failed: ' . substr($statement, 0, 500) . "\n";
}

# What a statement answers with one JSON value.
sub ask_json
{
	my ($self, $statement) = @_;
	return JSON::PP->new->allow_nonref->decode(scalar $self->ask($statement));
}

sub quote { return q(') . ($_[0] =~ s/'/''/gr) . q('); }
sub text_array { return 'ARRAY[' . join(', ', map { quote($_) } @_) . ']::text[]'; }
sub int_array { return 'ARRAY[' . join(', ', @_) . ']::int[]'; }

sub DESTROY
{
	my $self = shift;
	local ($?, $!);
	close $self->{in};
	close $self->{out};
	waitpid $self->{pid}, 0;
}

1;

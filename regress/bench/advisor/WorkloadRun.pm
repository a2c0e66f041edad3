# A workload of workloads/: its tables, its statements as texts, and their execution.
package WorkloadRun;
use strict;
use warnings;

use FindBin;
use List::Util qw(shuffle);
use Session;

# The workloads draw their values by rand. What that answers, between 0 and 1, is decided here.
our $uniform = sub { CORE::rand() };
BEGIN { *CORE::GLOBAL::rand = sub (;$) { return $uniform->() * ($_[0] || 1) } }

# Instances of each statement, with values of their own: those that the rivals are shown; with them,
# those that are timed; and with these, those whose plans all are judged by.
my ($shown, $timed, $judged) = (2, 6, 24);

sub load
{
	my ($class, $name) = @_;
	my $path = "$FindBin::Bin/workloads/$name.pl";
	my $self = do $path or die "$path: " . ($@ || $!) . "\n";
	bless $self, $class;
	$self->{name} = $name;
	my $id = 0;
	foreach my $statement (@{ $self->{statements} })
	{
		$statement->{id} = $id++;
		$statement->{kind} = $statement->{sql} =~ /^(SELECT|WITH)/ ? 'read' : $statement->{sql} =~ /^INSERT/ ? 'insert' : 'update';
	}
	return $self;
}

sub create
{
	my ($self, $cluster) = @_;
	srand 4711;
	my $database = $self->{name};
	$cluster->psql("CREATE DATABASE $database");
	local $ENV{PGDATABASE} = $database;
	$cluster->psql('SET synchronous_commit = off', split /;\n/, $self->{schema});
	$cluster->psql('VACUUM ANALYZE');
	$cluster->psql("CREATE EXTENSION $_ CASCADE") foreach qw(pg_triage hypopg pg_qualstats);
	$cluster->run("$cluster->{bindir}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/functions.sql");
	$self->{session} = Session->new($cluster, $database);
	$self->{bytes} = $self->{session}->ask(q(SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace));
	$self->find_columns;
	return;
}

# What a rival finds out from a statement's text: the columns that it mentions, by table.
sub find_columns
{
	my $self = shift;
	my @columns = map { [ split /\|/ ] } $self->{session}->ask(<<'SQL' =~ s/\s+$//r);
SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 ORDER BY attrelid, attnum
SQL
	foreach my $statement (@{ $self->{statements} })
	{
		next if $statement->{kind} eq 'insert';
		foreach (@columns)
		{
			my ($table, $column) = @$_;
			push @{ $statement->{columns}{$table} }, $column if $statement->{sql} =~ /\b\Q$table\E\b/ && $statement->{sql} =~ /\b\Q$column\E\b/;
		}
	}
	return;
}

sub values_of
{
	my ($self, $statement) = @_;
	return map { ($self->{values}{$_} // die "no values {$_}\n")->() } $statement->{sql} =~ /\{(\w+)\}/g;
}

sub instance
{
	my ($self, $statement) = @_;
	my @values = $self->values_of($statement);
	return $statement->{sql} =~ s/\{\w+\}/shift @values/ger;
}

sub with_parameters
{
	my $statement = shift;
	my $number = 0;
	return $statement->{sql} =~ s/\{\w+\}/'$' . ++$number/ger;
}

sub arguments
{
	my ($self, $statement) = @_;
	my @values = $self->values_of($statement) or return '';
	return '(' . join(', ', @values) . ')';
}

# So many, whose values are spread as evenly as their distributions: by Latin hypercube sampling (McKay,
# Beckman, Conover: *A comparison of three methods for selecting values of input variables*, 1979). Of those
# drawn by chance, 24 tell too little about a condition with eight values to judge by.
sub spread_instances
{
	my ($self, $statement, $count) = @_;
	my @orders; # of the intervals, for each of an instance's draws
	return map {
		my $instance = $_;
		my $draw = 0;
		local $uniform = sub {
			my $order = $orders[ $draw++ ] //= [ shuffle 0 .. $count - 1 ];
			return ($order->[$instance] + CORE::rand()) / $count;
		};
		$self->instance($statement);
	} 0 .. $count - 1;
}

# Runs the statements as often as they say, in an order of chance; what the samplers knew before is
# forgotten. A `prepared` workload's are prepared once in the session.
sub run
{
	my ($self, $cluster, $file, @statements) = @_;
	open my $script, '>', $file or die "$file: $!\n";
	if ($self->{prepared})
	{
		foreach my $statement (@statements)
		{
			print $script "PREPARE s$statement->{id} AS " . with_parameters($statement) . ";\n";
		}
	}
	foreach my $statement (shuffle map { ($_) x $_->{calls} } @statements)
	{
		print $script $self->{prepared} ? "EXECUTE s$statement->{id}" . $self->arguments($statement) : $self->instance($statement), ";\n";
	}
	close $script;
	local $ENV{PGDATABASE} = $self->{name};
	$cluster->psql('SELECT pg_stat_statements_reset()', 'SELECT triage.reset()', 'SELECT pg_qualstats_reset()');
	$cluster->run("$cluster->{bindir}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $file);
	return;
}

# Puts the instances to judge by, and `$writes` of each kind of writing, into bench.statement.
sub write_instances
{
	my ($self, $writes) = @_;
	my $number = 0;
	my @texts;
	my $new = sub { my ($text, $arguments) = @_; push @texts, [ $text, $arguments ]; return $#texts; };
	foreach my $statement (grep { $_->{kind} ne 'insert' } @{ $self->{statements} })
	{
		my @instances = map { $new->($_) } $self->spread_instances($statement, $judged);
		# Sessions that have a generic plan keep to one, whatever indexes come.
		my $generic = $self->{prepared} && $statement->{sql} =~ /\{/;
		$statement->{generic} = [ $generic ? $new->(with_parameters($statement), $self->arguments($statement)) : () ];
		@$statement{qw(shown timed judged)} = ([ @instances[ 0 .. $shown - 1 ] ], [ @instances[ 0 .. $timed - 1 ] ], \@instances);
	}
	foreach my $kind (qw(insert update))
	{
		my @writers = map { ($_) x $_->{calls} } grep { $_->{kind} eq $kind } @{ $self->{statements} };
		$self->{writes}{$kind} = { calls => scalar @writers,
			instances => [ map { $new->($self->instance($writers[rand @writers])) } 1 .. (@writers ? $writes : 0) ] };
	}
	while (my @some = splice @texts, 0, 500)
	{
		$self->{session}->ask('INSERT INTO bench.statement VALUES ' . join ', ', map { '(' . join(', ', $number++, map { defined ? Session::quote($_) : 'NULL' } @$_) . ')' } @some);
	}
	return;
}

1;

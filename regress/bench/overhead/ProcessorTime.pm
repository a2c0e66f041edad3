# What backends take of the processor for an execution, user and system together, as the kernel counts it. Servers
# that differ in what they load take turns; by where their memory happens to lie, alike servers differ by some percent
# for as long as they run, so they start anew for each round.
package ProcessorTime;
use strict;
use warnings;

use POSIX qw(sysconf _SC_CLK_TCK);
use ThrowAwayCluster;
use Time::HiRes qw(usleep);

# Options: bindir, directory; prepare, called with each cluster; variants, [ name, { setting => value } ].
sub new
{
	my ($class, %option) = @_;
	my $self = bless { %option, servers => [] }, $class;
	foreach my $variant (@{ $option{variants} })
	{
		my ($name, $settings) = @$variant;
		my $directory = "$option{directory}/server" . @{ $self->{servers} };
		my $cluster = ThrowAwayCluster->start(
			bindir    => $option{bindir},
			directory => $directory,
			settings  => [ 'shared_buffers = 32MB', 'jit = off', map { "$_ = '$settings->{$_}'" } sort keys %$settings ]);
		$option{prepare}->($cluster);
		push @{ $self->{servers} }, { name => $name, cluster => $cluster };
	}
	return $self;
}

sub on
{
	my ($server, $do) = @_;
	local $ENV{PGHOST} = $server->{cluster}{directory};
	return $do->($server->{cluster});
}

# Seconds of all backends that have ended, to a hundredth.
sub taken_by_backends
{
	my ($cluster) = @_;
	open my $file, '<', "/proc/$cluster->{pid}/stat" or die "/proc/$cluster->{pid}/stat: $!\n";
	my @fields = split ' ', <$file> =~ s/^.*\) //sr;
	return ($fields[13] + $fields[14]) / sysconf(_SC_CLK_TCK);    # cutime, cstime
}

sub wait_for_backends_to_end
{
	my ($cluster) = @_;
	my $is_there = sub {
		my ($stat) = @_;
		open my $file, '<', $stat or return 0;
		my @fields = split ' ', (<$file> // return 0) =~ s/^.*\) //sr;
		my ($state, $parent) = @fields;
		return 0 if $parent != $cluster->{pid};
		return 1 if $state eq 'Z';    # its time is the server's when the server has waited for it
		open my $name, '<', $stat =~ s/stat$/cmdline/r or return 0;
		return (<$name> // '') =~ /\[local\]/;
	};
	foreach (1 .. 1000)
	{
		return if !grep { $is_there->($_) } glob '/proc/[0-9]*/stat';
		usleep(10_000);
	}
	die "backends do not end\n";
}

sub pgbench
{
	my ($self, $cluster, $mode, $script, @how_much) = @_;
	return $cluster->run("$self->{bindir}/pgbench", '-n', '-M', $mode, '-f', $script, '-c', 1, @how_much, 'postgres');
}

# By server: microseconds an execution, one for each round. `mode` is pgbench's, `seconds` how long a turn is.
sub measure
{
	my ($self, $mode, $script, $rounds, $seconds) = @_;
	my @servers = @{ $self->{servers} };
	my ($executions, %us);
	foreach my $round (1 .. $rounds)
	{
		foreach my $server (@servers)
		{
			on($server, sub {
				my ($cluster) = @_;
				$cluster->stop;
				$cluster->launch;
				my $warmed_up = $self->pgbench($cluster, $mode, $script, '-T', 1);
				$executions //= int($seconds * $1) if $warmed_up =~ /tps = ([\d.]+)/;
			});
		}
		foreach my $turn (0 .. $#servers)
		{
			on($servers[ ($round + $turn) % @servers ], sub {
				my ($cluster) = @_;
				wait_for_backends_to_end($cluster);
				my $before = taken_by_backends($cluster);
				$self->pgbench($cluster, $mode, $script, '-t', $executions);
				wait_for_backends_to_end($cluster);
				push @{ $us{ $servers[ ($round + $turn) % @servers ]{name} } }, 1e6 * (taken_by_backends($cluster) - $before) / $executions;
			});
		}
	}
	return %us;
}

1;

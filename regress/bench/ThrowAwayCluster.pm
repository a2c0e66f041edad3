# A PostgreSQL cluster that lives as long as the benchmark that made it.
package ThrowAwayCluster;
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(usleep);

# Options: bindir; directory (else a temporary one); keep; settings, lines for postgresql.conf.
sub start
{
	my ($class, %option) = @_;
	die "must not run as root\n" if $> == 0;
	my $bindir = $option{bindir} // die "--bindir is missing\n";
	my $directory = $option{directory} // tempdir('pg_triage-bench.XXXXXX', TMPDIR => 1, CLEANUP => !$option{keep});
	make_path($directory);
	my $self = bless { bindir => $bindir, directory => $directory, owner => $$ }, $class;
	my $data = "$directory/data";
	@ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} = ($directory, 5432, 'bench', 'postgres');
	$self->run("$bindir/initdb", '-D', $data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C');
	open my $conf, '>>', "$data/postgresql.conf" or die "$data/postgresql.conf: $!\n";
	print $conf "listen_addresses = ''\nunix_socket_directories = '$directory'\nfsync = off\nautovacuum = off\n";
	print $conf "$_\n" foreach @{ $option{settings} // [] };
	close $conf;
	return $self->launch;
}

# PGHOST must lead to the cluster.
sub launch
{
	my $self = shift;
	$self->{pid} = fork // die "fork: $!\n";
	if ($self->{pid} == 0)
	{
		open STDOUT, '>>', "$self->{directory}/server.log";
		open STDERR, '>&', \*STDOUT;
		exec "$self->{bindir}/postgres", '-D', "$self->{directory}/data" or exit 127;
	}
	foreach (1 .. 3000)
	{
		return $self if system("$self->{bindir}/pg_isready -q -t 1") == 0;
		die "the server did not start, see $self->{directory}/server.log\n" if waitpid($self->{pid}, WNOHANG) != 0;
		usleep(10000);
	}
	die "the server did not start within 30 seconds\n";
}

# A fast shutdown.
sub stop
{
	my $self = shift;
	kill 'INT', $self->{pid};
	waitpid $self->{pid}, 0;
	undef $self->{pid};
	return;
}

sub run
{
	my ($self, @command) = @_;
	open my $pipe, '-|', @command or die "could not run $command[0]: $!\n";
	local $/;
	my $output = <$pipe>;
	close $pipe or die "failed: @command\n";
	return $output;
}

# All of the statements in one session; returns what they print, columns separated by '|'.
sub psql
{
	my ($self, @statements) = @_;
	my $output = $self->run("$self->{bindir}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', map { ('-c', $_) } @statements);
	chomp $output;
	return $output;
}

sub DESTROY
{
	my $self = shift;
	return if !$self->{pid} || $self->{owner} != $$;
	local $?;
	$self->stop;
}

1;

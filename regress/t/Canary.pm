# Private values that are planted, and the search for them in all that pg_triage shows, remembers, writes.
#
# All strings begin with one mark and all numbers lie in one narrow range, so that one search finds any.
package Canary;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(mark first_number numbers text_canary number_canary canaries in_text in_bytes
  none_is_shown none_is_reported none_is_in_shared_memory none_is_in_files none_is_in_our_log_lines);

my $mark         = 'Zebra7Qx';
my $first_number = 739182645000000;
my $numbers      = 1_000_000;

sub mark { return $mark; }
sub first_number { return $first_number; }
sub numbers { return $numbers; }

# ---- making them

my $made = 0;
sub text_canary { return $mark . sprintf('%07d', ++$made); }
sub number_canary { return $first_number + ++$made % $numbers; }

# How many were made.
sub canaries { return $made; }

# ---- looking for them

# The first canary found in text, as it is (in any case) or its bytes in hexadecimal; nothing if there is
# none.
sub in_text
{
	my $text = lc $_[0];
	foreach my $string (lc $mark, unpack('H*', $mark))
	{
		my $at = index($text, $string);
		return substr($text, $at, 60) if $at >= 0;
	}
	for (my $at = -1; ($at = index($text, '739182645', $at + 1)) >= 0;)
	{
		my $digits = substr($text, $at > 0 ? $at - 1 : 0, 17);
		return $1 if $digits =~ /(?<!\d)(739182645\d{6})(?!\d)/;
	}
	return undef;
}

# The same in memory: also the numbers as a long integer or a double.
sub in_bytes
{
	my $found = in_text($_[0]);
	return $found if defined $found;
	foreach my $format ('q<', 'd<')
	{
		# Both ends of the range share these last bytes.
		my ($low, $high) = map { pack($format, $_) } $first_number, $first_number + $numbers;
		my $shared = 0;
		$shared++ while substr($low, 7 - $shared, 1) eq substr($high, 7 - $shared, 1);
		my $tail = substr($low, 8 - $shared);
		for (my $at = -1; ($at = index($_[0], $tail, $at + 1)) >= 0;)
		{
			next if $at + $shared < 8;
			my $number = unpack($format, substr($_[0], $at + $shared - 8, 8));
			return "$number" if $number >= $first_number && $number < $first_number + $numbers;
		}
	}
	return undef;
}

# Each relation and each function that can be called without an argument, taken from the catalog. Returns
# all they show.
sub none_is_shown
{
	my ($node) = @_;
	my %acts = map { $_ => 1 } qw(reset reset_store dump_store audit_log_is_append_only);
	my @relations = split /\n/, $node->safe_psql('postgres', q{
SELECT oid::regclass FROM pg_class WHERE relnamespace = 'triage'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f') ORDER BY 1});
	my @functions = grep { !$acts{$_} } split /\n/, $node->safe_psql('postgres', q{
SELECT proname FROM pg_proc WHERE pronamespace = 'triage'::regnamespace AND prokind = 'f' AND pronargs = pronargdefaults
   AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype) ORDER BY 1});
	cmp_ok(scalar @relations, '>', 8, 'relations: ' . join(', ', @relations));
	cmp_ok(scalar @functions, '>', 8, 'functions: ' . join(', ', @functions));
	my $shown = '';
	foreach my $from (@relations, map { "triage.$_()" } @functions)
	{
		my ($out, $err) = ('', '');
		$node->psql('postgres', "SELECT x::text FROM $from x", stdout => \$out, stderr => \$err);
		is(in_text("$out$err"), undef, "none in $from");
		$shown .= $out;
	}
	return $shown;
}

# The advisor's reports, where it is installed.
sub none_is_reported
{
	my ($node) = @_;
	my ($advisor) = grep { -x } map { "$_/pg_triage" } split /:/, $ENV{PATH};
	SKIP:
	{
		skip 'the advisor is not installed', 10 unless defined $advisor;
		foreach my $command (['report', '--format', 'text'], ['report', '--format', 'json'], ['report', '--format', 'markdown'],
			['indexes'], ['indexes', '--explain'], ['indexes', '--drops'])
		{
			my ($out, $err) = run_command([$advisor, @$command, '-h', $node->host, '-p', $node->port, '-d', 'postgres']);
			like($out, qr/\w/, "the advisor says something: @$command") or diag $err;
			is(in_text("$out$err"), undef, "none in what the advisor says: @$command");
		}
	}
}

# Returns the memory.
sub none_is_in_shared_memory
{
	my ($node) = @_;
	my $dump = pack('H*', $node->safe_psql('postgres', q{SELECT encode(triage.dump_store(), 'hex')}));
	cmp_ok(length $dump, '>', 1024 * 1024, 'the shared memory was read');
	is(in_bytes($dump), undef, 'none in shared memory');
	return $dump;
}

sub none_is_in_files
{
	my ($node) = @_;
	my @files = glob $node->data_dir . '/pg_stat/pg_triage*';
	cmp_ok(scalar @files, '>=', 2, 'files: ' . join(', ', map { s{.*/}{}r } @files));
	foreach my $file (@files)
	{
		my $name = $file =~ s{.*/}{}r;
		is(in_bytes(slurp_file($file)), undef, "none in $name");
	}
}

# Lines of our processes, and lines that speak of us.
sub none_is_in_our_log_lines
{
	my ($node) = @_;
	my @ours = grep { /^pg_triage|pg_triage/ } split /\n/, slurp_file($node->logfile);
	cmp_ok(scalar @ours, '>', 0, 'log lines of ours: ' . scalar @ours);
	is(in_text(join("\n", @ours)), undef, 'none in our log lines');
}

1;

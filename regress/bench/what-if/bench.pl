#!/usr/bin/env perl
# make bench-what-if: how long a what-if takes, and how long a recommendation; see README.md.
#
#   make bench-what-if [BENCH_OPTIONS='--rounds 7 --statements 10,100,1000,10000']
#   regress/bench/what-if/bench.pl --bindir DIR [--directory DIR] [--keep] [--rounds N] [--statements N,...]
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/..";
use Getopt::Long;
use ThrowAwayCluster;

my %option = (rounds => 5, statements => '10,100,1000');
GetOptions(\%option, qw(bindir=s directory=s keep rounds=i statements=s)) or die "usage: see the head of $0\n";
$| = 1;

my $cluster = ThrowAwayCluster->start(%option,
	settings => [
		"shared_preload_libraries = 'pg_stat_statements,pg_triage'", "pg_triage.auto_index = off",
		"shared_buffers = 64MB", "max_locks_per_transaction = 512", "jit = off", "statement_timeout = '10min'"
	]);
my $rival = $cluster->psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'");
$cluster->psql('CREATE EXTENSION pg_triage CASCADE', $rival ? 'CREATE EXTENSION hypopg' : ());
printf "PostgreSQL %s%s\n\n", $cluster->psql('SHOW server_version'), $rival ? '' : ' (HypoPG is not installed)';

sub quote { return q(') . ($_[0] =~ s/'/''/gr) . q('); }
sub text_array { return 'ARRAY[' . join(', ', map { quote($_) } @_) . ']::text[]'; }

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

# ---- one evaluation ------------------------------------------------------------------------------

my $widest = 8;
foreach my $n (1 .. $widest)
{
	$cluster->psql("CREATE TABLE j$n (id int PRIMARY KEY, next int, hub int, kind int, at timestamp, note text)",
		"INSERT INTO j$n SELECT g, hashint4(g + $n) & 16383, hashint4(g - $n) & 4095, g % 200, timestamp '2024-01-01' + g * interval '1 min', repeat('x', 40) FROM generate_series(1, 20000) g",
		"VACUUM ANALYZE j$n");
}

# Joined as a chain or around one table, and a chain that ends in a sort.
sub queries_of
{
	my $joined = shift;
	my @tables = 1 .. $joined;
	my $from = join ', ', map { "j$_" } @tables;
	my $chain = join '', map { " AND j$_.next = j" . ($_ + 1) . '.id' } 1 .. $joined - 1;
	my $star = join '', map { " AND j1.hub = j$_.hub" } 2 .. $joined;
	return ("SELECT count(*) FROM $from WHERE j1.kind = 7$chain",
		"SELECT count(*) FROM $from WHERE j1.next = 11$star",
		"SELECT j1.note FROM $from WHERE j$joined.kind = 7$chain ORDER BY j1.at DESC LIMIT 10");
}

sub indexes_of
{
	my $joined = shift;
	return ("CREATE INDEX ON j1 (kind)", "CREATE INDEX ON j1 (next)",
		"CREATE INDEX ON j$joined (hub)", "CREATE INDEX ON j$joined (kind, at DESC)");
}

# Milliseconds of one of: ours, rival (create, EXPLAIN, reset), rival_both (EXPLAIN before, too).
$cluster->psql(<<'SQL');
CREATE FUNCTION timed(way text, query text, indexes text[], times int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz := clock_timestamp();
    ddl text;
    line text;
    cost float8;
BEGIN
    FOR i IN 1..times LOOP
        IF way = 'ours' THEN
            SELECT cost_after INTO STRICT cost FROM triage.what_if(query, indexes, 'custom');
        ELSE
            IF way = 'rival_both' THEN
                EXECUTE 'EXPLAIN ' || query INTO line;
            END IF;
            FOREACH ddl IN ARRAY indexes LOOP
                PERFORM hypopg_create_index(ddl);
            END LOOP;
            EXECUTE 'EXPLAIN ' || query INTO line;
            PERFORM hypopg_reset();
        END IF;
    END LOOP;
    RETURN extract(epoch FROM clock_timestamp() - started) * 1000 / times;
END $$
SQL

sub evaluate
{
	my @ways = ('ours', $rival ? ('rival', 'rival_both') : ());
	my %ratios;
	print "One evaluation of four indexes, in ms: triage.what_if gives the costs without and with them, and the plan.\n";
	printf "%-6s %-6s %8s %8s %14s %14s\n", 'joined', 'query', 'what_if', 'HypoPG', 'HypoPG, both', 'per plan asked';
	foreach my $joined (1 .. $widest)
	{
		my $number = 0;
		foreach my $query (queries_of($joined))
		{
			$number++;
			my $indexes = text_array(indexes_of($joined));
			my $times = $joined > 5 ? 5 : 20;
			# The ways take turns, in one session, after a round that fills the caches.
			my @calls;
			foreach my $round (0 .. $option{rounds})
			{
				push @calls, map { "SELECT '$_', timed('$_', " . quote($query) . ", $indexes, " . ($round ? $times : 1) . ')' } @ways;
			}
			my %ms;
			foreach my $line (split /\n/, $cluster->psql(@calls))
			{
				my ($way, $time) = split /\|/, $line;
				push @{ $ms{$way} }, $time;
			}
			my %median = map { $_ => median(@{ $ms{$_} }[1 .. $option{rounds}]) } @ways;
			# What the recommender pays for a plan: all of its time by all of its plans.
			my $asked = $cluster->psql("SELECT (details -> 'search' ->> 'ms')::float8 / nullif((details -> 'search' ->> 'planner_calls')::float8, 0)"
				  . " FROM triage.recommend_indexes(queries => ARRAY[" . quote($query) . "]) LIMIT 1");
			printf "%-6d %-6d %8.2f %8s %14s %14s\n", $joined, $number, $median{ours},
			  (map { defined $median{$_} ? sprintf('%.2f', $median{$_}) : '-' } 'rival', 'rival_both'),
			  $asked ne '' ? sprintf('%.2f', $asked) : '-';
			next if !$rival;
			push @{ $ratios{alone} }, $median{ours} / $median{rival};
			push @{ $ratios{both} },  $median{ours} / $median{rival_both};
			push @{ $ratios{asked} }, $asked / $median{rival} if $asked ne '';
		}
	}
	return if !$rival;
	printf "\nmedian of what_if / HypoPG with one EXPLAIN:               %.2f (wanted: 0.5)\n", median(@{ $ratios{alone} });
	printf "median of what_if / HypoPG with EXPLAIN before and after:  %.2f\n", median(@{ $ratios{both} });
	printf "median of a plan the recommender asks for / HypoPG:        %.2f\n", median(@{ $ratios{asked} }) if $ratios{asked};
	return;
}

# ---- a whole recommendation ----------------------------------------------------------------------

my $tables = 100;

sub make_tables
{
	foreach my $t (0 .. $tables - 1)
	{
		$cluster->psql("CREATE TABLE w$t AS SELECT g AS id, " . join(', ', map { "hashint4(g + $_) & " . (2**($_ + 5) - 1) . " AS c$_" } 0 .. 7)
			  . " FROM generate_series(1, 10000) g", "ALTER TABLE w$t ADD PRIMARY KEY (id)", "VACUUM ANALYZE w$t");
	}
	return;
}

# Different in their tables, columns and form, as far as there are different ones.
sub statement
{
	my $i = shift;
	my ($t, $rest) = ($i % $tables, int($i / $tables));
	my $next = ($t + 1) % $tables;
	my ($form, $a) = ($rest % 5, int($rest / 5) % 8);
	my $b = ($a + 1 + int($rest / 40) % 7) % 8;
	return (
		"SELECT * FROM w$t WHERE c$a = 5",
		"SELECT id FROM w$t WHERE c$a = 5 AND c$b > 9",
		"SELECT * FROM w$t WHERE c$a = 5 ORDER BY c$b LIMIT 20",
		"SELECT count(*) FROM w$t x JOIN w$next y ON y.c$b = x.id WHERE x.c$a = 5",
		"UPDATE w$t SET c$b = 0 WHERE c$a = 5")[$form];
}

sub recommend
{
	make_tables();
	print "\nA recommendation for statements over $tables tables, in a new session each.\n";
	printf "%10s %9s %8s %10s %14s %16s %8s\n", 'statements', 'seconds', 'indexes', 'candidates', 'planner calls', 'calls/statement', 'MB';
	foreach my $count (split /,/, $option{statements})
	{
		my @statements = map { statement($_) } 0 .. $count - 1;
		open my $script, '>', "$cluster->{directory}/recommend.sql" or die "recommend.sql: $!\n";
		print $script "CREATE TEMP TABLE asked AS SELECT " . text_array(@statements) . " AS queries;\n";
		print $script <<'SQL';
CREATE TEMP TABLE answer AS SELECT clock_timestamp() AS at, NULL::jsonb AS search, 0 AS indexes;
CREATE FUNCTION pg_temp.kb(what text) RETURNS float8 LANGUAGE sql AS $$
    SELECT substring(pg_read_file('/proc/self/status') FROM what || ':\s+(\d+)')::float8 $$;
CREATE TEMP TABLE memory AS SELECT pg_temp.kb('VmHWM') - pg_temp.kb('RssShmem') AS before;
WITH found AS MATERIALIZED (SELECT r.details FROM asked, triage.recommend_indexes(queries => asked.queries) r)
INSERT INTO answer SELECT clock_timestamp(), (SELECT details -> 'search' FROM found LIMIT 1), count(*) FROM found;
SELECT extract(epoch FROM max(at) - min(at)), max(indexes), max(search ->> 'candidates'), max(search ->> 'planner_calls'),
       (SELECT (pg_temp.kb('VmHWM') - pg_temp.kb('RssShmem') - before) / 1024 FROM memory) FROM answer;
SQL
		close $script;
		my $line = $cluster->run("$cluster->{bindir}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', "$cluster->{directory}/recommend.sql");
		my ($seconds, $indexes, $candidates, $calls, $mb) = split /\|/, $line =~ s/\s+$//r;
		printf "%10d %9.1f %8d %10d %14d %16.1f %8.0f\n", $count, $seconds, $indexes, $candidates || 0, $calls || 0,
		  ($calls || 0) / $count, $mb;
	}
	return;
}

evaluate();
recommend();

#!/usr/bin/env perl
# make bench-what-if: how long a what-if takes, and how long a recommendation; see README.md.
#
#   make bench-what-if [BENCH_OPTIONS='--rounds 7 --statements 10,100,1000,10000 --rival-up-to 1000']
#   regress/bench/what-if/bench.pl --bindir DIR [--directory DIR] [--keep] [--rounds N] [--statements N,...]
#       [--rival-up-to N]
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/..", "$FindBin::Bin/../advisor";
use Getopt::Long;
use HypotheticalCosts;
use JSON::PP;
use Median;
use RealIndexes;
use Rivals;
use Session;
use ThrowAwayCluster;
use WorkloadRun;

# Extend asks so much that of 10,000 statements one would not want to wait for it.
my %option = (rounds => 5, statements => '10,100,1000', 'rival-up-to' => 1000);
GetOptions(\%option, qw(bindir=s directory=s keep rounds=i statements=s rival-up-to=i)) or die "usage: see the head of $0\n";
$| = 1;

my $cluster = ThrowAwayCluster->start(%option,
	settings => [
		"shared_preload_libraries = 'pg_stat_statements,pg_triage'", "pg_triage.auto_index = off",
		"shared_buffers = 64MB", "max_locks_per_transaction = 512", "jit = off", "statement_timeout = '10min'"
	]);
my $rival = $cluster->psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'");
$cluster->psql('CREATE EXTENSION pg_triage CASCADE', $rival ? 'CREATE EXTENSION hypopg' : ());
printf "PostgreSQL %s%s\n\n", $cluster->psql('SHOW server_version'), $rival ? '' : ' (HypoPG is not installed)';

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

# Milliseconds of one of: what_if; costs (what_if_costs, one set); rival (create, EXPLAIN, reset); rival_both (EXPLAIN
# before, too); planning (what EXPLAIN (SUMMARY) calls planning time, in between creation and reset); and for the 16
# subsets of four indexes: sets, rival_sets.
$cluster->psql(<<'SQL');
CREATE FUNCTION timed(way text, query text, indexes text[], times int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    subsets constant int[] := (SELECT array_agg(ARRAY(SELECT CASE WHEN s >> i - 1 & 1 = 1 THEN i END FROM generate_series(1, 4) i)) FROM generate_series(0, 15) s);
    started timestamptz := clock_timestamp();
    planning float8 := 0;
    subset int[];
    place int;
    ddl text;
    line text;
    cost float8;
BEGIN
    FOR i IN 1..times LOOP
        IF way = 'what_if' THEN
            SELECT cost_after INTO STRICT cost FROM triage.what_if(query, indexes, 'custom');
        ELSIF way = 'costs' THEN
            SELECT c.cost INTO STRICT cost FROM triage.what_if_costs(query, indexes) c;
        ELSIF way = 'sets' THEN
            FOR cost IN SELECT c.cost FROM triage.what_if_costs(query, indexes, subsets) c LOOP
            END LOOP;
        ELSIF way = 'rival_sets' THEN
            FOREACH subset SLICE 1 IN ARRAY subsets LOOP
                FOREACH place IN ARRAY subset LOOP
                    IF place IS NOT NULL THEN
                        PERFORM hypopg_create_index(indexes[place]);
                    END IF;
                END LOOP;
                EXECUTE 'EXPLAIN ' || query INTO line;
                PERFORM hypopg_reset();
            END LOOP;
        ELSE
            IF way = 'rival_both' THEN
                EXECUTE 'EXPLAIN ' || query INTO line;
            END IF;
            FOREACH ddl IN ARRAY indexes LOOP
                PERFORM hypopg_create_index(ddl);
            END LOOP;
            IF way = 'planning' THEN
                EXECUTE 'EXPLAIN (SUMMARY, FORMAT JSON) ' || query INTO line;
                planning := planning + (line::json -> 0 ->> 'Planning Time')::float8;
            ELSE
                EXECUTE 'EXPLAIN ' || query INTO line;
            END IF;
            PERFORM hypopg_reset();
        END IF;
    END LOOP;
    RETURN CASE way WHEN 'planning' THEN planning ELSE extract(epoch FROM clock_timestamp() - started) * 1000 END / times;
END $$
SQL

sub evaluate
{
	my @ways = (qw(what_if costs sets), $rival ? qw(rival rival_both planning rival_sets) : ());
	my %ratios;
	print "Evaluations of four indexes, in ms: costs without and with them and the plan (what_if), the cost with them (costs),\n"
	  . "the costs with each of their 16 subsets (sets); a plan as the recommender asks for it.\n";
	printf "%-6s %-6s %8s %8s %8s %8s %13s %9s %10s %9s\n", 'joined', 'query', 'what_if', 'costs', 'sets', 'HypoPG', 'HypoPG, both',
	  'planning', 'HypoPG x16', 'per plan';
	foreach my $joined (1 .. $widest)
	{
		my $number = 0;
		foreach my $query (queries_of($joined))
		{
			$number++;
			my $indexes = Session::text_array(indexes_of($joined));
			my $times = $joined > 5 ? 5 : 20;
			# The ways take turns, in one session, after a round that fills the caches.
			my @calls;
			foreach my $round (0 .. $option{rounds})
			{
				push @calls, map { "SELECT '$_', timed('$_', " . Session::quote($query) . ", $indexes, " . ($round && !/sets/ ? $times : 1) . ')' } @ways;
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
				  . " FROM triage.recommend_indexes(queries => ARRAY[" . Session::quote($query) . "]) LIMIT 1");
			my @shown = map { defined $_ ? sprintf('%.3f', $_) : '-' } @median{qw(what_if costs sets rival rival_both planning rival_sets)}, $asked ne '' ? $asked : undef;
			printf "%-6d %-6d %8s %8s %8s %8s %13s %9s %10s %9s\n", $joined, $number, @shown;
			next if !$rival;
			push @{ $ratios{what_if} },      $median{what_if} / $median{rival};
			push @{ $ratios{what_if_both} }, $median{what_if} / $median{rival_both};
			push @{ $ratios{costs} },        $median{costs} / $median{rival};
			push @{ $ratios{planning} },     $median{planning} / $median{rival};
			push @{ $ratios{sets} },         $median{sets} / $median{rival_sets};
			push @{ $ratios{asked} },        $asked / $median{rival} if $asked ne '';
		}
	}
	return if !$rival;
	my @lines = (
		[ what_if      => 'what_if / HypoPG with one EXPLAIN' ],
		[ what_if_both => 'what_if / HypoPG with EXPLAIN before and after' ],
		[ costs        => 'what_if_costs, one set / HypoPG with one EXPLAIN (wanted: 0.5)' ],
		[ planning     => 'planning alone / HypoPG with one EXPLAIN: nobody who plans can do better' ],
		[ sets         => 'what_if_costs, 16 sets / HypoPG with 16 EXPLAINs' ],
		[ asked        => 'a plan the recommender asks for / HypoPG with one EXPLAIN' ]);
	print "\nMedians over the queries:\n";
	printf "%5.2f  %s\n", median(@{ $ratios{ $_->[0] } }), $_->[1] foreach grep { $ratios{ $_->[0] } } @lines;
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

# In a new session: the definitions, seconds, planner calls, candidates, and by how many MB the process grew.
sub ask_pg_triage
{
	my @statements = @_;
	open my $script, '>', "$cluster->{directory}/recommend.sql" or die "recommend.sql: $!\n";
	print $script "CREATE TEMP TABLE asked AS SELECT " . Session::text_array(map { $_->{sql} } @statements) . " AS queries;\n";
	print $script <<'SQL';
CREATE TEMP TABLE answer AS SELECT clock_timestamp() AS at, NULL::jsonb AS search, NULL::json AS ddl;
CREATE FUNCTION pg_temp.kb(what text) RETURNS float8 LANGUAGE sql AS $$
    SELECT substring(pg_read_file('/proc/self/status') FROM what || ':\s+(\d+)')::float8 $$;
CREATE TEMP TABLE memory AS SELECT pg_temp.kb('VmHWM') - pg_temp.kb('RssShmem') AS before;
WITH found AS MATERIALIZED (SELECT r.ddl, r.details FROM asked, triage.recommend_indexes(queries => asked.queries) r)
INSERT INTO answer SELECT clock_timestamp(), (SELECT details -> 'search' FROM found LIMIT 1), json_agg(ddl) FROM found;
SELECT json_build_object('seconds', extract(epoch FROM max(at) - min(at)), 'candidates', max(search ->> 'candidates'),
       'planner_calls', max(search ->> 'planner_calls'), 'ddl', (SELECT ddl FROM answer WHERE search IS NOT NULL),
       'mb', (SELECT (pg_temp.kb('VmHWM') - pg_temp.kb('RssShmem') - before) / 1024 FROM memory)) FROM answer;
SQL
	close $script;
	my $answer = JSON::PP->new->decode($cluster->run("$cluster->{bindir}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', "$cluster->{directory}/recommend.sql"));
	$answer->{definitions} = [ map { RealIndexes::definition_of($_) } @{ delete $answer->{ddl} // [] } ];
	return $answer;
}

# Seconds are those of HypoPG's answers alone; what this script does with them is not counted.
sub ask_extend
{
	my @statements = @_;
	my $costs = HypotheticalCosts->new(Session->new($cluster, 'postgres'), 'hypopg', @statements);
	my @chosen = Rivals::extend($costs, 'inf');
	return { definitions => [ map { $_->{ddl} } @chosen ], seconds => $costs->seconds_of_answers, planner_calls => $costs->{spent}{planner_calls} };
}

# With the indexes really built, by the costs without any.
sub cost_with
{
	my ($real, $definitions, @statements) = @_;
	my $session = $real->session_with(@$definitions);
	my $sum = 0;
	$sum += $_->{cost} foreach $real->answers($session, [], map { $_->{id} } @statements);
	return $sum;
}

sub recommend
{
	make_tables();
	$cluster->run("$cluster->{bindir}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$FindBin::Bin/../advisor/functions.sql");
	my $session = Session->new($cluster, 'postgres');
	print "\nA recommendation for statements over $tables tables, in a new session each; costs in percent of those without\n"
	  . "indexes, once they are really built.\n";
	printf "%10s  %-14s %9s %8s %10s %14s %10s %8s %8s\n", 'statements', '', 'seconds', 'indexes', 'candidates', 'planner calls', '/statement', 'MB', 'cost';
	foreach my $count (split /,/, $option{statements})
	{
		my @statements = map { { id => $_, sql => statement($_), calls => 1, kind => 'read', shown => [$_] } } 0 .. $count - 1;
		$session->ask('TRUNCATE bench.statement');
		$session->ask('INSERT INTO bench.statement VALUES ' . join ', ', map { "($_->{id}, " . Session::quote($_->{sql}) . ')' } @statements);
		my %answers = (pg_triage => ask_pg_triage(@statements));
		if ($rival && $count <= $option{'rival-up-to'})
		{
			WorkloadRun::find_columns({ session => $session, statements => \@statements });
			$answers{Extend} = ask_extend(@statements);
		}
		my $real = RealIndexes->new($cluster, 'postgres');
		$real->build(map { @{ $_->{definitions} } } values %answers);
		my $before = cost_with($real, [], @statements);
		foreach my $advisor (sort { $b cmp $a } keys %answers)
		{
			my $answer = $answers{$advisor};
			printf "%10d  %-14s %9.2f %8d %10s %14d %10.1f %8s %8.2f\n", $count, $advisor, $answer->{seconds}, scalar @{ $answer->{definitions} },
			  $answer->{candidates} // '', $answer->{planner_calls}, $answer->{planner_calls} / $count,
			  defined $answer->{mb} ? sprintf('%.0f', $answer->{mb}) : '', 100 * cost_with($real, $answer->{definitions}, @statements) / $before;
		}
		$real->drop;
	}
	return;
}

evaluate();
recommend();

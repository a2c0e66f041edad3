# A client that asks at a steady interval and is told nothing is found; one that asks now and then, in a loop, or
# that finds something, is not.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE orders (id int PRIMARY KEY, state text);
INSERT INTO orders SELECT g, 'done' FROM generate_series(1, 100) g;
VACUUM ANALYZE orders;
});

# In step, every third of a second: a quarter of that may be lost to other programs.
my $poll = q{
SELECT id FROM orders WHERE state = 'queued' LIMIT 1;
UPDATE orders SET state = 'taken' WHERE state = 'waiting';
SELECT state FROM orders WHERE state = 'done' LIMIT 1;
SELECT pg_sleep(0.33);
};
# As often, at distances that differ by far more; the backend's own time does not matter.
my @chance = (0.1, 0.6, 0.2, 0.5, 0.05, 0.4, 0.15, 0.7);
my $chance = join '', map { "SELECT state FROM orders WHERE id = -1;\nSELECT pg_sleep($_);\n" } @chance;
# Without any pause.
my $loop = "SELECT state, id FROM orders WHERE id = -1;\n";

$node->safe_psql('postgres', $poll x 30);
$node->safe_psql('postgres', $chance x 4);
$node->safe_psql('postgres', $loop x 200);

is($node->safe_psql('postgres', q{
SELECT pattern, query, executions, unit, figure BETWEEN 0.33 AND 0.45
  FROM triage.application_advice ORDER BY query COLLATE "C"}), join("\n",
	'polling|SELECT id FROM orders WHERE state = $1 LIMIT $2|30|seconds between two|t',
	'polling|UPDATE orders SET state = $1 WHERE state = $2|30|seconds between two|t'), 'two polls, and nothing else');
like($node->safe_psql('postgres', q{SELECT evidence FROM triage.application_advice WHERE query LIKE 'UPDATE%'}),
	qr/^30 of 30 executions returned nothing, most of them 0\.\d+ s apart$/, 'with the evidence');

# It is kept over a restart.
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM triage.application_advice'), '2', 'a restart forgets nothing');

$node->stop;
done_testing();

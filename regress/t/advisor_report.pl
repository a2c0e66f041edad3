# The report in its three formats: complete, fit for a page, and without any literal.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Advisor;
use Encode qw(decode);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_clinic('report');
load_clinic($node);
# Literals that no statistics may hold, in simple statements and in comments.
my $canary = 'Canary4711Zwitscher';
$node->safe_psql('postgres', join '', map {
	"SELECT /* $canary */ id FROM patient_records WHERE note = '$canary' OR mrn = 47114711 + $_;\n" } 1 .. 20);
$node->safe_psql('postgres', 'SELECT FROM triage.refresh_recommendations()');

my ($status, $text, $stderr) = advisor($node, 'report');
is($status, 0, 'text');
is($stderr, '', 'with nothing to complain about');
my @parts = ('What hurts', 'Why', 'What to do', 'What was done', 'Targets', 'Health');
like($text, qr/^\Q$_\E$/m, "text has the part: $_") for @parts;
my @wide = grep { length > 100 } split /\n/, decode('UTF-8', $text);
is("@wide", '', 'text fits 100 columns');
like($text, qr/patient_lookup/, 'the workflow is known');
like($text, qr/WHERE mrn = \$1 AND active/, 'the statement is shown as it was normalised');
like($text, qr/estimated \d+\.\d % off the workload/, 'an estimate is called so');
like($text, qr/CREATE INDEX CONCURRENTLY/, 'and comes with its statement');

($status, my $markdown) = advisor($node, 'report', '--format', 'markdown');
is($status, 0, 'Markdown');
like($markdown, qr/^## \Q$_\E$/m, "Markdown has the part: $_") for @parts;
like($markdown, qr/```sql\n\s+CREATE INDEX CONCURRENTLY/, 'statements are code');

my $file = PostgreSQL::Test::Utils::tempdir() . '/report.json';
($status, my $stdout) = advisor($node, 'report', '--format', 'json', '-o', $file);
is($status, 0, 'JSON');
is($stdout, '', 'goes to the file');
my $json = slurp_file($file);
my $report = decode_json($json);
is($report->{database}, 'postgres', 'JSON can be read');
ok((grep { $_->{workflow} eq 'patient_lookup' && $_->{p95_ms} > 0 } @{ $report->{statements} }),
	'statements have percentiles');
ok((grep { $_->{relation} eq 'public.patient_records' && $_->{rows_removed} > 1000 }
		@{ $report->{costly_accesses} }), 'the costly way to the relation is found');
ok((grep { $_->{ddl} =~ /\(mrn\b.*WHERE.*active/ } @{ $report->{recommendations} }),
	'the partial index is recommended');
is(scalar(@{ $report->{targets} }), $node->safe_psql('postgres', 'SELECT count(*) FROM triage.targets'),
	'all targets are there');
cmp_ok(scalar(@{ $report->{health} }), '>', 0, 'and the self-checks');

unlike("$text$markdown$json", qr/$canary|471147[123]\d/i, 'no literal in any format');

$node->stop;
done_testing();

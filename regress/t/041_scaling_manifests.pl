# The manifests that `pg_triage scale` writes are valid by Kubernetes' and KEDA's own schemas, which
# the npm packages kubernetes-models and @kubernetes-models/keda hold. With PG_TRIAGE_NODE_MODULES
# they are taken from there, else they are installed into a temporary directory.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Advisor;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

# In the tree, or beside a copy of these tests.
my ($example) = grep { -e } map { "$FindBin::Bin/$_/docs/examples/pools.json" } '../..', '..';
my ($status, $stdout, $stderr) = advisor(undef, 'scale', '--from-file', $example, '--format', 'json');
is($status, 0, 'the example fleet fits');
my $advice = decode_json($stdout);
my ($web) = grep { $_->{application} eq 'clinical web' } @{ $advice->{applications} };
is($web->{max_replicas}, 100, 'pods behind the pooler may be many');
my $hours = 0;
$hours += $_->{hours} for @{ $web->{windows} };
is($hours, 168, 'the windows cover the week');
my ($ward) = grep { $_->{name} eq 'legacy ward client' } @{ $advice->{budget}{applications} };
ok($ward->{cut}, 'fifteen pods of ten in a rollout do not fit');
cmp_ok($advice->{budget}{used}, '<=', 160, 'until they are cut');
my $night = $web->{quiet_window}{start_hour_of_week} % 24;
ok($night >= 22 || $night <= 4, 'it is quiet at night');

for my $format (qw(text markdown))
{
	($status, $stdout) = advisor(undef, 'scale', '--from-file', $example, '--format', $format);
	is($status, 0, $format);
	like($stdout, qr/Busiest: Thu 08:00/, 'finds the morning round');
}

my $tmp = PostgreSQL::Test::Utils::tempdir();
for my $kind (qw(hpa keda))
{
	($status, $stdout) = advisor(undef, 'scale', '--from-file', $example, '--emit', $kind,
		'--time-zone', 'Europe/Berlin');
	is($status, 0, $kind);
	append_to_file("$tmp/$kind.yaml", $stdout);
}

# A fleet that cannot fit fails the check.
my $json = decode_json(slurp_file($example));
$json->{fleet}{max_connections} = 20;
append_to_file("$tmp/small.json", encode_json($json));
($status) = advisor(undef, 'scale', '--from-file', "$tmp/small.json");
is($status, 1, 'too many pods for the server');

# A name that Kubernetes would refuse.
$json->{fleet}{applications}[0]{deployment} = 'Clinical_Web';
append_to_file("$tmp/name.json", encode_json($json));
($status, $stdout, $stderr) = advisor(undef, 'scale', '--from-file', "$tmp/name.json", '--emit', 'hpa');
is($status, 2, 'a name that is none');
like($stderr, qr/"Clinical_Web" is not a name of a Kubernetes deployment/, 'says so');

my $modules = $ENV{PG_TRIAGE_NODE_MODULES};
my $node = can_run('node');
SKIP:
{
	skip 'schemas not checked: no node (apt-get install nodejs npm)', 1 unless $node;
	unless ($modules)
	{
		skip 'schemas not checked: no npm, and PG_TRIAGE_NODE_MODULES is not set', 1 unless can_run('npm');
		skip 'schemas not checked: npm reaches no registry', 1
		  if system("npm install --silent --fetch-retries=0 --fetch-timeout=20000 --no-audit --no-fund --prefix '$tmp' "
			  . "kubernetes-models \@kubernetes-models/keda yaml > /dev/null 2>&1 < /dev/null") != 0;
		$modules = "$tmp/node_modules";
	}
	append_to_file("$tmp/validate.cjs", <<'JS');
// Prints one line a manifest: its kind, and "valid" or what is wrong.
const [modules, file] = process.argv.slice(2);
const { HorizontalPodAutoscaler } = require(modules + "/kubernetes-models/autoscaling/v2");
const { ScaledObject } = require(modules + "/@kubernetes-models/keda/keda.sh/v1alpha1");
const yaml = require(modules + "/yaml");
const kinds = { "autoscaling/v2 HorizontalPodAutoscaler": HorizontalPodAutoscaler,
                "keda.sh/v1alpha1 ScaledObject": ScaledObject };
for (const document of yaml.parseAllDocuments(require("fs").readFileSync(file, "utf8"))) {
  if (document.errors.length) throw document.errors[0];
  const manifest = document.toJS();
  const kind = kinds[manifest.apiVersion + " " + manifest.kind];
  try { new kind(manifest).validate(); console.log(manifest.kind + " valid"); }
  catch (error) { console.log(manifest.kind + " " + error.message); }
}
JS
	for my $kind ([ 'hpa', 'HorizontalPodAutoscaler' ], [ 'keda', 'ScaledObject' ])
	{
		my $answer = `'$node' '$tmp/validate.cjs' '$modules' '$tmp/$kind->[0].yaml' 2>&1`;
		is($answer, "$kind->[1] valid\n" x 2, "$kind->[0]: both manifests are valid by the schema");

		# That the schema would have objected.
		my $broken = slurp_file("$tmp/$kind->[0].yaml") =~ s/scaleTargetRef/scaleTarget/r;
		append_to_file("$tmp/broken-$kind->[0].yaml", $broken);
		$answer = `'$node' '$tmp/validate.cjs' '$modules' '$tmp/broken-$kind->[0].yaml' 2>&1`;
		unlike($answer, qr/^\Q$kind->[1]\E valid\n/, "$kind->[0]: a broken one is not");
	}
}
done_testing();

sub can_run
{
	my ($program) = @_;
	return (grep { -x } map { "$_/$program" } split /:/, $ENV{PATH})[0];
}

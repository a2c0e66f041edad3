# The demo, on a small hospital: the whole loop in a cluster of its own, and nothing left of it.
#
# The program is told nothing about the answer; what the load calls for is said here only.
use strict;
use warnings FATAL => 'all';

use JSON::PP;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir_short();

sub leftovers { my @found = glob("$directory/pg_triage-demo.*"); return @found; }

sub processes {
    my @found;
    for my $file (glob('/proc/[0-9]*/cmdline')) {
        open my $handle, '<', $file or next;
        my $line = <$handle> // '';
        push @found, $line =~ tr/\0/ /r if index($line, "$directory/pg_triage-demo") >= 0;
    }
    return @found;
}

# ---- the loop
my ($out, $err) = ('', '');
my $ok = IPC::Run::run(
    [qw(pg_triage demo --scale 0.15 --duration 8 --verify-duration 4 --format json --directory), $directory],
    '>', \$out, '2>', \$err);
ok($ok, 'the demo ends well') or diag($err . $out);
my $result = eval { decode_json($out) } or BAIL_OUT("no JSON: $@ $err");

is_deeply([ map { $_->{check} } grep { !$_->{ok} } @{ $result->{checks} } ], [], 'all its checks pass');
cmp_ok($result->{median_read_improvement}, '>=', 0.6, 'reads got faster');
is(scalar(@{ $result->{workflows} }), 16, 'every workflow was measured');

# ---- what this load calls for
sub normal {
    my ($ddl) = @_;
    $ddl =~ s/^CREATE INDEX CONCURRENTLY (?:"[^"]*"|\S+) ON (?:public\.)?//;
    $ddl =~ s/USING btree //;
    return $ddl;
}
my @found = map { normal($_->{ddl}) } @{ $result->{indexes} };
my $list = join("\n", @found);
for my $wanted (
    [ qr/^patient_records \(mrn\) WHERE active$/m, 'patient lookup' ],
    [ qr/^clinical_data \(patient_id, encounter_date/m, 'clinical timeline' ],
    [ qr/^vital_signs \(patient_id, recorded_at DESC\)/m, 'latest vitals' ],
    # Partial, or led by the status where nobody saw in those seconds that it is always the same.
    [ qr/^encounters \((?:ward_id.*\).* WHERE \(status = 'open'::text\)$|status, ward_id)/m, 'open encounters' ],
    [ qr/^lab_results \(resulted_at\).* WHERE \(acknowledged_at IS NULL\) AND critical$/m, 'critical results' ],
    [ qr/^medication_orders \(ordered_at\).* WHERE \(status = 'pending'::text\)$/m, 'pending orders' ],
    [ qr/^clinical_notes \(author_id.*\).* WHERE \(NOT signed\)$/m, 'unsigned notes' ],
    [ qr/^clinical_notes \(patient_id/m, 'note search' ],
    [ qr/^ai_inference \(.*\) WHERE \(status = 'queued'::text\)$/m, 'the AI queue' ])
{
    like($list, $wanted->[0], "an index for $wanted->[1]");
}
unlike($list, qr/^audit_events/m, 'none for what nobody reads');

my @pairs;
for my $one (@found) {
    my ($table, $keys, $rest) = $one =~ /^(\S+) \(([^)]*)\)(.*)$/ or next;
    for my $other (grep { $_ ne $one } @found) {
        my ($table2, $keys2, $rest2) = $other =~ /^(\S+) \(([^)]*)\)(.*)$/ or next;
        push @pairs, "$one: $other" if $table eq $table2 && $rest eq $rest2 && index("$keys2, ", "$keys, ") == 0;
    }
}
is_deeply(\@pairs, [], 'none is a prefix of another');
is_deeply([ grep { !$_->{scans} } @{ $result->{indexes} } ], [], 'each is used');
is($result->{invalid_indexes}, 0, 'none is invalid');
cmp_ok($result->{longest_write_ms}{building}, '<', 2000, 'no writer waited long for a build');

is_deeply([leftovers()], [], 'no directory is left');
is_deeply([processes()], [], 'no process is left');

# ---- interrupted, and killed
my $handle = IPC::Run::start(
    [qw(pg_triage demo --scale 0.05 --duration 600 --directory), $directory],
    '>', \$out, '2>', \my $interrupted);
my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
$handle->pump_nb, select(undef, undef, undef, 0.2)
    until $interrupted =~ /tables with/ || time > $deadline;
sleep 1;
$handle->signal('INT');
$handle->finish;
is($handle->result(0), 4, 'Ctrl-C fails it');
like($interrupted, qr/canceled by user/, 'and says so');
is_deeply([leftovers()], [], 'no directory is left');
is_deeply([processes()], [], 'no process is left');

$handle = IPC::Run::start(
    [qw(pg_triage demo --scale 0.05 --duration 600 --directory), $directory],
    '>', \$out, '2>', \my $killed);
$deadline = time + $PostgreSQL::Test::Utils::timeout_default;
$handle->pump_nb, select(undef, undef, undef, 0.2) until $killed =~ /tables with/ || time > $deadline;
$handle->kill_kill;
$deadline = time + 30;
select(undef, undef, undef, 0.2) until !processes() || time > $deadline;
is_deeply([processes()], [], 'no process outlives a killed demo');

# ---- what cannot work says why
for my $case (
    [ [ '--bindir', $directory ], 2, qr/there is no program "initdb"/ ],
    [ [ '--files', $directory ], 2, qr/there are no files of the demo/ ],
    [ [ '--directory', "$directory/nowhere" ], 4, qr/could not create a directory/ ],
    [ [ '--scale', '0' ], 2, qr/scale/ ])
{
    my ($options, $status, $message) = @$case;
    my $said;
    IPC::Run::run([ 'pg_triage', 'demo', @$options ], '>', \$out, '2>', \$said);
    is($? >> 8, $status, "@$options: exit status $status");
    like($said, $message, "@$options: says why");
}

done_testing();

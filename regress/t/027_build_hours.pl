# pg_triage.build_window = 'auto': builds begin in the hours of the week that were seen to be quiet, and as
# long as too little was seen, between 01:00 and 05:00; triage.self_check() says which it is.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "pg_triage.activity_interval = 50ms\npg_triage.save_interval = 0\n");
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION pg_triage CASCADE;
CREATE TABLE patients (id int PRIMARY KEY, mrn text);
INSERT INTO patients SELECT g, 'M' || g FROM generate_series(1, 1000) g;
});

sub set
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = '$value'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('$name') = '$value'") or die;
}

# Makes it that hour of the day, as the server's log has it.
sub let_it_be
{
	my ($hour) = @_;
	my $east = $hour - (gmtime)[2];
	$east += $east > 12 ? -24 : $east < -12 ? 24 : 0;
	set('log_timezone', $east == 0 ? 'Etc/GMT' : sprintf('Etc/GMT%+d', -$east)); # POSIX counts to the west
}

sub build_window
{
	return $node->safe_psql('postgres', q{SELECT ok, detail FROM triage.self_check() WHERE "check" = 'build window'});
}

# None of which makes another one needless.
my @indexes = ('mrn', 'lower(mrn)', 'id, mrn', 'upper(mrn)');
sub ask { return $node->safe_psql('postgres', sprintf(q{SELECT triage.ensure_index('CREATE INDEX ON patients (%s)')}, shift @indexes)) }

sub is_built
{
	my ($name) = @_;
	my $job = ask();
	my (undef, undef, $err) = $node->psql('postgres', "CALL triage.wait_for_job($job, '3 minutes')");
	is($err, '', $name);
}

sub waits
{
	my ($name) = @_;
	my $job = ask();
	sleep 2;
	is($node->safe_psql('postgres', "SELECT status, attempts FROM triage.jobs WHERE id = $job"), 'queued|0', $name);
	$node->safe_psql('postgres', "SELECT triage.cancel_job($job)");
}

# ---- Nothing is known
is(build_window(), 't|always', 'by default there is no window');
set('pg_triage.build_window', '01:30-04:00');
is(build_window(), 't|01:30-04:00', 'a window that is set');
set('pg_triage.build_window', 'auto');
like(build_window(), qr/^t\|auto: 01:00-05:00 \S+ until more is known; 0 of 168/, 'as little is known, stated hours');
let_it_be(12);
waits('at noon a build waits');
let_it_be(2);
is_built('at night it begins');
set('pg_triage.activity_interval', '0');
like(build_window(), qr/^f\|/, 'without looks at sessions nothing will ever be known');
set('pg_triage.activity_interval', '50ms');
isnt($node->psql('postgres', q{ALTER SYSTEM SET pg_triage.build_window = 'always'}), 0, 'what is no window is refused');

# ---- Four weeks are known: busy at night, quiet from 12:00 to 16:00

sub crc32c
{
	my ($bytes) = @_;
	my $crc = 0xFFFFFFFF;
	for my $byte (unpack 'C*', $bytes) {
		$crc ^= $byte;
		$crc = $crc & 1 ? ($crc >> 1) ^ 0x82F63B78 : $crc >> 1 for 1 .. 8;
	}
	return $crc ^ 0xFFFFFFFF;
}

# Writes into the file of activity how many sessions each hour of the day had. Offsets are those of
# core/activity_image.h and core/activity_log.h: the header; in the head, after two arrays of 60, weeks by
# hour; in the first slot, after its key, three counters and 60 minutes, mean and peak by hour.
sub learn
{
	my ($sessions) = @_;
	$node->stop;
	my $file = $node->data_dir . '/pg_stat/pg_triage_activity.stat';
	my $bytes = slurp_file($file);
	my ($header, $head) = (32, 2 * 60 * 4 + 168 * 4 + 6 * 4 + 8 + 64 * 68);
	substr($bytes, $header + 2 * 60 * 4, 168 * 4) = pack 'f168', (4) x 168;
	my $slot = $header + $head;
	substr($bytes, $slot + 10, 1) = "\0"; # the key's state: active
	substr($bytes, $slot + 12 + 12 + 60 * 16, 168 * 8) = pack '(ff)168', map { ($sessions->($_ % 24)) x 2 } 0 .. 167;
	substr($bytes, 28, 4) = pack 'L', 0;
	# The content first, then the header without the checksum.
	substr($bytes, 28, 4) = pack 'L', crc32c(substr($bytes, $header) . substr($bytes, 0, 28));
	open my $handle, '>:raw', $file or die $!;
	print $handle $bytes;
	close $handle;
	$node->start;
}

# So that there is a slot.
$node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM triage.activity') or die;
let_it_be(12);
learn(sub { my ($hour) = @_; return $hour >= 12 && $hour < 16 ? 1 : 20 });
is($node->safe_psql('postgres', 'SELECT count(DISTINCT hour_of_week) FROM triage.activity_by_hour WHERE weeks >= 4'), '168', 'four weeks are known');
like(build_window(), qr/^t\|auto: 12:00-16:00 \S+, the quietest; 168 of 168/, 'the quiet hours are those of the load');
is_built('at noon a build begins');
let_it_be(2);
waits('and at night it waits');

$node->stop;
done_testing();

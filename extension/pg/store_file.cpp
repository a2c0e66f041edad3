#include "pg/store_file.h"

#include "core/store_image.h"
#include "pg/store_layout.h"

#include <cstdio>
#include <new>

PG_HEADERS_BEGIN
#include <sys/stat.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/file_perm.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
PG_HEADERS_END

namespace triage::store_file {

namespace {

using store::segment;

constexpr const char *file_name = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage.stat";
constexpr const char *temporary_name = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage.stat.tmp";
constexpr const char *bad_name = PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_triage.stat.bad";

store_image::Origin this_server() {
    return {PG_VERSION_NUM / 10000, GetSystemIdentifier()};
}

// A stdio file that closes itself. AllocateFile may raise; the postmaster must not.
class File {
  public:
    File(const char *name, const char *mode) : file_(std::fopen(name, mode)) {}
    ~File() { close(); }
    File(const File &) = delete;
    File &operator=(const File &) = delete;

    std::FILE *get() const { return file_; }
    bool close() {
        std::FILE *file = std::exchange(file_, nullptr);
        return file == nullptr || std::fclose(file) == 0;
    }

  private:
    std::FILE *file_;
};

// errno is EINVAL or the like after a failed read; `what` is "read" or "write".
void log_failure(const char *what, const char *name) {
    ereport(LOG, (errcode_for_file_access(),
                  errmsg("could not %s statistics file \"%s\": %m", what, name)));
}

void set_aside(const char *why) {
    segment.header->file_set_aside = true;
    const bool moved = std::rename(file_name, bad_name) == 0;
    ereport(LOG, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("pg_triage starts with empty statistics"),
                  errdetail("File \"%s\" cannot be used: %s.", file_name, why),
                  moved ? errhint("It was set aside as \"%s\".", bad_name) : 0));
}

struct Restorer : store_image::Visitor {
    void statement(const store_image::StatementRecord &record) override { store::restore(record); }
    void scan(const store_image::ScanRecord &record) override { store::restore(record); }
    void plan(const store_image::PlanRecord &record) override { store::restore(record); }
};

// Writes what `writer` has pending.
bool flush(store_image::Writer &writer, std::FILE *file) {
    const std::string &bytes = writer.pending();
    return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
}

template <class Record, class Copy>
bool write_array(store_image::Writer &writer, std::FILE *file, const SlotDirectory &directory,
                 Copy copy) {
    constexpr std::size_t a_piece = 64 * 1024;
    Record record;
    for (std::uint32_t slot = 0; slot < directory.slots(); slot++) {
        if (!directory.is_ready(slot) || !copy(slot, record))
            continue;
        writer.add(record);
        if (writer.pending().size() > a_piece) {
            if (!flush(writer, file))
                return false;
            writer.clear_pending();
        }
    }
    return true;
}

bool write_all(std::FILE *file) {
    store_image::Writer writer(this_server());
    if (!write_array<store_image::StatementRecord>(writer, file, segment.statement_directory,
                                                   store::copy_statement) ||
        !write_array<store_image::ScanRecord>(writer, file, segment.scan_directory,
                                              store::copy_scan) ||
        !write_array<store_image::PlanRecord>(writer, file, segment.plan_directory,
                                              store::copy_plan))
        return false;
    writer.finish(segment.header->stats_since);
    return flush(writer, file) && std::fflush(file) == 0;
}

bool write_file() {
    {
        File file(temporary_name, PG_BINARY_W);
        if (file.get() == nullptr || !write_all(file.get()) || !file.close()) {
            log_failure("write", temporary_name);
            return false;
        }
    }
    if (chmod(temporary_name, pg_file_create_mode) != 0) {
        log_failure("write", temporary_name);
        return false;
    }
    return durable_rename(temporary_name, file_name, LOG) == 0;
}

} // namespace

void load() noexcept {
    try {
        unlink(temporary_name); // of a crash in mid-write
        struct stat status;
        if (stat(file_name, &status) != 0) {
            if (errno != ENOENT)
                log_failure("read", file_name);
            return;
        }
        // What a full store takes as bytes is less than the memory it takes.
        if (static_cast<std::uint64_t>(status.st_size) > 4 * segment.header->bytes) {
            set_aside("it is too large for pg_triage.memory");
            return;
        }
        std::vector<unsigned char> bytes(static_cast<std::size_t>(status.st_size));
        File file(file_name, PG_BINARY_R);
        if (file.get() == nullptr ||
            std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) {
            log_failure("read", file_name);
            return;
        }
        Restorer restorer;
        std::int64_t stats_since = 0;
        const store_image::Verdict verdict =
            store_image::read(bytes, this_server(), restorer, stats_since);
        if (verdict == store_image::Verdict::Good)
            segment.header->stats_since = stats_since;
        else
            set_aside(store_image::reason(verdict));
    } catch (const std::bad_alloc &) {
        ereport(LOG, (errcode(ERRCODE_OUT_OF_MEMORY),
                      errmsg("out of memory while reading statistics file \"%s\"", file_name)));
    }
}

bool save() noexcept {
    bool saved = false;
    try {
        saved = write_file();
    } catch (const std::bad_alloc &) {
        ereport(LOG, (errcode(ERRCODE_OUT_OF_MEMORY),
                      errmsg("out of memory while writing statistics file \"%s\"", file_name)));
    }
    segment.header->save_failed = !saved;
    if (saved)
        segment.header->last_saved = GetCurrentTimestamp();
    else
        unlink(temporary_name);
    return saved;
}

} // namespace triage::store_file

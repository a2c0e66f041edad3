#include "pg/page_cache.h"

#include "pg/guard.h"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace triage {

namespace {

void path_of_segment(const BlockPlace &place, std::uint32_t segment, char *path) {
    call_server([&] { path_of_fork(place, path); });
    if (segment > 0) {
        const std::size_t length = strlen(path);
        snprintf(path + length, MAXPGPATH - length, ".%u", segment);
    }
}

} // namespace

PageCacheReader::~PageCacheReader() {
    if (fd_ >= 0)
        ::close(fd_);
}

bool PageCacheReader::open_segment(const BlockPlace &place) {
    const std::uint32_t segment = place.block / RELSEG_SIZE;
    const bool same_file = open_.tablespace == place.tablespace &&
                           open_.database == place.database && open_.file == place.file &&
                           open_.fork == place.fork;
    if (same_file && segment == segment_ && fd_ >= 0)
        return true;
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
    char path[MAXPGPATH];
    path_of_segment(place, segment, path);
    open_ = place;
    segment_ = segment;
    asked_until_ = 0;
    fd_ = ::open(path, O_RDONLY | O_CLOEXEC);
    return fd_ >= 0;
}

// One byte of the chunk's last page: reading it waits for that page, and copies nothing to speak
// of.
void PageCacheReader::await(std::int64_t end) {
    char byte;
    if (end > 0) [[maybe_unused]]
        const ssize_t got = ::pread(fd_, &byte, 1, end - 1);
}

void PageCacheReader::ask(const BlockPlace &place, std::uint32_t count) {
    BlockPlace at = place;
    while (count > 0) {
        const std::uint32_t in_segment = at.block % RELSEG_SIZE;
        const std::uint32_t here =
            std::min(count, static_cast<std::uint32_t>(RELSEG_SIZE) - in_segment);
        const std::int64_t offset = std::int64_t{in_segment} * BLCKSZ;
        const std::int64_t bytes = std::int64_t{here} * BLCKSZ;
        if (open_segment(at) && ::posix_fadvise(fd_, offset, bytes, POSIX_FADV_WILLNEED) == 0)
            fetched_ += here;
        asked_until_ = offset + bytes;
        at.block += here;
        count -= here;
    }
}

void PageCacheReader::fetch(const BlockPlace &place, std::uint32_t count) {
    BlockPlace at = place;
    while (count > 0) {
        const std::uint32_t chunk = std::min(count, chunk_blocks_);
        const int last_fd = fd_;
        const std::int64_t last = asked_until_;
        ask(at, chunk);
        if (fd_ >= 0 && fd_ == last_fd)
            await(last);
        at.block += chunk;
        count -= chunk;
    }
}

std::uint32_t blocks_on_disk(const BlockPlace &place) {
    std::uint64_t blocks = 0;
    for (std::uint32_t segment = 0;; segment++) {
        char path[MAXPGPATH];
        path_of_segment(place, segment, path);
        struct stat status;
        if (::stat(path, &status) != 0)
            break;
        blocks += static_cast<std::uint64_t>(status.st_size) / BLCKSZ;
        if (static_cast<std::uint64_t>(status.st_size) < std::uint64_t{RELSEG_SIZE} * BLCKSZ)
            break;
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(blocks, MaxBlockNumber));
}

std::uint64_t free_memory_blocks() {
    std::uint64_t blocks = 0;
    if (std::FILE *file = std::fopen("/proc/meminfo", "re")) {
        char line[128];
        unsigned long long kilobytes;
        while (std::fgets(line, sizeof(line), file))
            if (std::sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
                blocks = kilobytes * 1024 / BLCKSZ / 2;
        std::fclose(file);
    }
    return blocks;
}

} // namespace triage

// Brings ranges of relation files into the operating system's page cache: long reads, issued ahead,
// with two chunks in flight at a time. With small chunks a statement's own read waits behind next
// to nothing; with large ones the disk gives all it can.
//
// Needs no shared buffer, no lock and no catalog, so it works before the server is ready for
// connections. A file that is not there (any more) is passed over.
#pragma once

#include "pg/compat.h"

namespace triage {

constexpr std::uint32_t small_chunk_blocks = 256 * 1024 / BLCKSZ;
constexpr std::uint32_t large_chunk_blocks = 1024 * 1024 / BLCKSZ;

class PageCacheReader {
  public:
    explicit PageCacheReader(std::uint32_t chunk_blocks = small_chunk_blocks)
        : chunk_blocks_(chunk_blocks) {}
    ~PageCacheReader();
    PageCacheReader(const PageCacheReader &) = delete;
    PageCacheReader &operator=(const PageCacheReader &) = delete;

    // Asks for `count` blocks from `place` on, and does not wait for them.
    void ask(const BlockPlace &place, std::uint32_t count);

    // The same in chunks; returns when all but the last one have arrived.
    void fetch(const BlockPlace &place, std::uint32_t count);

    std::uint64_t fetched_blocks() const { return fetched_; }

  private:
    bool open_segment(const BlockPlace &place);
    void await(std::int64_t end);

    const std::uint32_t chunk_blocks_;
    BlockPlace open_{};
    std::uint32_t segment_ = 0;
    int fd_ = -1;
    std::int64_t asked_until_ = 0; // offset in the open segment at which the last question ended
    std::uint64_t fetched_ = 0;
};

// Blocks in the fork's file now, 0 if there is none.
std::uint32_t blocks_on_disk(const BlockPlace &place);

// Memory that the page cache may take without anything being pushed out, in blocks: half of what
// the kernel calls available; 0 where it does not say.
std::uint64_t free_memory_blocks();

} // namespace triage

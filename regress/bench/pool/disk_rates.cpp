// How many random 8 kB reads the disk does a second, with so many at the same time. Reads past the
// page cache (O_DIRECT). Prints `io_rates` as `pg_triage pool --from-file` takes them.
//
//   disk_rates FILE      a file of at least some hundred megabytes
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr long page = 8192;

double reads_per_second(const char *path, long pages, int threads) {
    std::atomic<bool> stop{false};
    std::atomic<long> reads{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i)
        workers.emplace_back([&, i] {
            int file = open(path, O_RDONLY | O_DIRECT);
            void *buffer = std::aligned_alloc(page, page);
            std::mt19937_64 random(static_cast<unsigned>(i + threads));
            long mine = 0;
            while (file >= 0 && !stop &&
                   pread(file, buffer, page, static_cast<long>(random() % pages) * page) == page)
                ++mine;
            reads += mine;
            std::free(buffer);
            if (file >= 0)
                close(file);
        });
    constexpr double seconds = 1.5;
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop = true;
    for (std::thread &worker : workers)
        worker.join();
    return static_cast<double>(reads) / seconds;
}

} // namespace

int main(int argc, char **argv) {
    struct stat file {};
    if (argc != 2 || stat(argv[1], &file) != 0 || file.st_size < page) {
        std::fprintf(stderr, "usage: disk_rates FILE\n");
        return 1;
    }
    long pages = file.st_size / page;
    const char *before = "[";
    for (int threads : {1, 2, 4, 8, 16, 32, 64}) {
        double rate = reads_per_second(argv[1], pages, threads);
        if (rate <= 0) {
            std::fprintf(stderr, "disk_rates: cannot read %s past the page cache\n", argv[1]);
            return 1;
        }
        std::printf("%s{\"requests\": %d, \"per_s\": %.0f}", before, threads, rate);
        before = ", ";
    }
    std::printf("]\n");
}

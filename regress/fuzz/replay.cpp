// Runs a fuzz target over files and over variants of them (make check): no clang needed, and the
// same inputs each time. Arguments: number of variants a file, then directories.
#include "target.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read_file(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// One to four changes: a byte, a piece doubled, a piece cut out, the end cut off.
Bytes variant_of(Bytes bytes, std::mt19937_64 &random) {
    const std::uint64_t changes = 1 + random() % 4;
    for (std::uint64_t i = 0; i < changes && !bytes.empty(); i++) {
        const auto at = static_cast<std::ptrdiff_t>(random() % bytes.size());
        const auto length = static_cast<std::ptrdiff_t>(
            1 + random() % std::min<std::size_t>(bytes.size() - static_cast<std::size_t>(at), 40));
        switch (random() % 4) {
        case 0:
            bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random());
            break;
        case 1: {
            const Bytes piece(bytes.begin() + at, bytes.begin() + at + length);
            bytes.insert(bytes.begin() + at, piece.begin(), piece.end());
            break;
        }
        case 2:
            bytes.erase(bytes.begin() + at, bytes.begin() + at + length);
            break;
        default:
            bytes.resize(static_cast<std::size_t>(at));
        }
    }
    return bytes;
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s VARIANTS DIRECTORY...\n", argv[0]);
        return 2;
    }
    const long variants = std::strtol(argv[1], nullptr, 10);
    std::mt19937_64 random(1);
    long files = 0;
    for (int i = 2; i < argc; i++) {
        std::vector<std::filesystem::path> paths;
        for (const auto &entry : std::filesystem::directory_iterator(argv[i]))
            paths.push_back(entry.path());
        std::sort(paths.begin(), paths.end());
        for (const auto &path : paths) {
            const Bytes bytes = read_file(path);
            files++;
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
            for (long v = 0; v < variants; v++) {
                const Bytes variant = variant_of(bytes, random);
                LLVMFuzzerTestOneInput(variant.data(), variant.size());
            }
        }
    }
    std::printf("%ld files, %ld inputs\n", files, files * (variants + 1));
    return files > 0 ? 0 : 1;
}

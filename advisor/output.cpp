#include "output.h"

#include "exit_status.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace triage::advisor {

namespace {

[[noreturn]] void fail(const std::string &what, int error) {
    throw Failure(ExitStatus::ActionFailed, fmt::format("{}: {}", what, std::strerror(error)));
}

void write_all(int file, std::string_view text, const std::string &name) {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno != EINTR)
            fail(fmt::format("could not write to {}", name), errno);
        if (written > 0)
            text.remove_prefix(static_cast<std::size_t>(written));
    }
}

// A pipe or a device is written to; only a regular file can be replaced.
bool is_special(const std::string &path) {
    struct stat status;
    return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

void replace_file(const std::string &path, std::string_view text) {
    std::string temporary = path + ".XXXXXX";
    const int file = ::mkstemp(temporary.data());
    if (file < 0)
        fail(fmt::format("could not create file \"{}\"", path), errno);
    try {
        write_all(file, text, fmt::format("file \"{}\"", path));
        // mkstemp made it private; a report is as readable as any file of this user.
        const mode_t mask = ::umask(0);
        ::umask(mask);
        if (::fchmod(file, 0666 & ~mask) != 0 || ::fsync(file) != 0)
            fail(fmt::format("could not write to file \"{}\"", path), errno);
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            fail(fmt::format("could not replace file \"{}\"", path), errno);
    } catch (...) {
        ::close(file);
        ::unlink(temporary.c_str());
        throw;
    }
    ::close(file);
}

} // namespace

void write_output(const Options &options, std::string_view text) {
    if (options.output_file.empty() || options.output_file == "-") {
        write_all(STDOUT_FILENO, text, "standard output");
    } else if (output_is_directory(options)) {
        fail(fmt::format("could not write to \"{}\"", options.output_file), EISDIR);
    } else if (is_special(options.output_file)) {
        std::FILE *file = std::fopen(options.output_file.c_str(), "w");
        if (!file)
            fail(fmt::format("could not open \"{}\"", options.output_file), errno);
        const bool complete = std::fwrite(text.data(), 1, text.size(), file) == text.size();
        if (std::fclose(file) != 0 || !complete)
            fail(fmt::format("could not write to \"{}\"", options.output_file), errno);
    } else {
        replace_file(options.output_file, text);
    }
}

bool output_is_directory(const Options &options) {
    struct stat status;
    return ::stat(options.output_file.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void write_output_below(const Options &options, const std::string &path, std::string_view text) {
    const std::filesystem::path file = std::filesystem::path(options.output_file) / path;
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error)
        fail(fmt::format("could not create directory \"{}\"", file.parent_path().string()),
             error.value());
    replace_file(file.string(), text);
}

bool output_is_terminal(const Options &options) {
    return (options.output_file.empty() || options.output_file == "-") && isatty(STDOUT_FILENO);
}

} // namespace triage::advisor

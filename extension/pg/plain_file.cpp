#include "pg/plain_file.h"

#include "pg/guard.h"

PG_HEADERS_BEGIN
#include "common/file_perm.h"
#include "storage/fd.h"
PG_HEADERS_END

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace triage::plain_file {

namespace {

class Descriptor {
  public:
    Descriptor(const char *path, int flags) : fd_(::open(path, flags, pg_file_create_mode)) {}
    ~Descriptor() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    bool is_open() const { return fd_ >= 0; }
    int get() const { return fd_; }

    bool read(void *data, std::size_t size) { return transfer(data, size, ::read); }
    bool write(std::string_view bytes) {
        return transfer(const_cast<char *>(bytes.data()), bytes.size(),
                        [](int fd, void *from, std::size_t size) {
                            return static_cast<ssize_t>(::write(fd, from, size));
                        });
    }

  private:
    bool transfer(void *data, std::size_t size, ssize_t (*call)(int, void *, std::size_t)) {
        auto *at = static_cast<char *>(data);
        while (size > 0) {
            const ssize_t done = call(fd_, at, size);
            if (done < 0 && errno == EINTR)
                continue;
            if (done <= 0) {
                if (done == 0)
                    errno = ENOSPC;
                return false;
            }
            at += done;
            size -= static_cast<std::size_t>(done);
        }
        return true;
    }

    const int fd_;
};

bool write_whole(const char *name, std::initializer_list<std::string_view> bytes) {
    Descriptor file(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    return file.is_open() && std::all_of(bytes.begin(), bytes.end(),
                                         [&](std::string_view piece) { return file.write(piece); });
}

} // namespace

Reading read(const char *name, std::size_t at_most, std::vector<unsigned char> &bytes) {
    Descriptor file(name, O_RDONLY | O_CLOEXEC);
    if (!file.is_open())
        return errno == ENOENT ? Reading::Absent : Reading::Failed;
    struct stat status;
    if (::fstat(file.get(), &status) != 0)
        return Reading::Failed;
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > at_most)
        return Reading::TooLarge;
    bytes.resize(size);
    return file.read(bytes.data(), bytes.size()) ? Reading::Done : Reading::Failed;
}

bool replace(const char *name, const char *temporary,
             std::initializer_list<std::string_view> bytes) {
    if (!write_whole(temporary, bytes)) {
        const int error = errno;
        call_server([&] {
            errno = error;
            ereport(LOG, (errcode_for_file_access(),
                          errmsg("could not write statistics file \"%s\": %m", temporary)));
        });
        return false;
    }
    return call_server([&] { return durable_rename(temporary, name, LOG); }) == 0;
}

} // namespace triage::plain_file

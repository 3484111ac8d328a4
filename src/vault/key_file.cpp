#include "vault/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/random.hpp"

namespace deployclaw::vault {
namespace {

constexpr std::size_t kLargestFile = 64UL * 1024;
constexpr mode_t kOthers = 077;
constexpr mode_t kOthersWrite = 022;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

std::unexpected<Error> system_error(Code code, const std::string& what) {
  return fail(code, what + ": " + std::strerror(errno));
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool owner_is_trusted(const struct stat& status) {
  return status.st_uid == geteuid() || status.st_uid == 0;
}

// Whoever can write the directory can put another file in the key file's place.
Status check_directory(const std::string& path) {
  const std::string directory = directory_of(path);
  struct stat status{};
  if (stat(directory.c_str(), &status) != 0) return system_error(Code::kUnavailable, directory);
  if (!owner_is_trusted(status) || (status.st_mode & kOthersWrite) != 0) {
    return fail(Code::kForbidden, directory + ": other users may write here: make it " +
                                      "owned by the vault's user with mode 0700");
  }
  return {};
}

Result<Secret> read_all(const File& file, const std::string& path) {
  Bytes content(kLargestFile + 1);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t n = read(file.get(), content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(Code::kUnavailable, path);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  content.resize(size);  // shrinks in place
  Secret secret(std::move(content));
  if (secret.size() > kLargestFile)
    return fail(Code::kTooLarge, path + ": too large for a key file");
  return secret;
}

Status write_all(const File& file, std::span<const unsigned char> content,
                 const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = write(file.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error(Code::kUnavailable, path);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  if (fsync(file.get()) != 0) return system_error(Code::kUnavailable, path);
  return {};
}

enum class Publish { kNew, kReplace };

// Makes the ring durable under `path`: a temporary file beside it, synced, then linked (kConflict
// when the name exists) or renamed over it, then the directory synced.
Status save(const std::string& path, const Keyring& ring, Publish how) {
  const std::string temporary = path + "." + random_token(9) + ".tmp";
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           S_IRUSR | S_IWUSR));
    if (!file.is_open()) return system_error(Code::kUnavailable, temporary);
    const Secret text = ring.to_text();
    if (auto written = write_all(file, text.expose(), temporary); !written) {
      unlink(temporary.c_str());
      return written;
    }
  }
  if (how == Publish::kReplace) {
    if (rename(temporary.c_str(), path.c_str()) != 0) {
      auto error = system_error(Code::kUnavailable, path);
      unlink(temporary.c_str());
      return error;
    }
  } else {
    const bool linked = link(temporary.c_str(), path.c_str()) == 0;
    auto error = system_error(errno == EEXIST ? Code::kConflict : Code::kUnavailable, path);
    unlink(temporary.c_str());
    if (!linked) return error;
  }
  const std::string directory = directory_of(path);
  const File opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || fsync(opened.get()) != 0) {
    return system_error(Code::kUnavailable, directory);
  }
  return {};
}

bool same_versions(const std::vector<Keyring::Version>& a, const std::vector<Keyring::Version>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.version == y.version && x.check == y.check;
  });
}

}  // namespace

Result<Keyring> load_key_file(const std::string& path) {
  if (auto directory = check_directory(path); !directory) return fail(directory.error());
  const File file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) {
    if (errno == ELOOP) return fail(Code::kForbidden, path + ": is a symbolic link");
    return system_error(errno == ENOENT ? Code::kNotFound : Code::kUnavailable, path);
  }
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return system_error(Code::kUnavailable, path);
  if (!S_ISREG(status.st_mode)) return fail(Code::kForbidden, path + ": is not a regular file");
  if (!owner_is_trusted(status)) {
    return fail(Code::kForbidden,
                path + ": belongs to another user (uid " + std::to_string(status.st_uid) + ")");
  }
  if ((status.st_mode & kOthers) != 0) {
    return fail(Code::kForbidden,
                path + ": other users may read or write it: chmod 0600, and consider rotating, " +
                    "since the keys may have been read");
  }
  auto text = read_all(file, path);
  if (!text) return fail(text.error());
  auto ring = Keyring::parse(*text);
  if (!ring) return context(path, ring.error());
  return ring;
}

Result<Keyring> load_or_create_key_file(const std::string& path, Time now, bool& created) {
  created = false;
  auto loaded = load_key_file(path);
  if (loaded || loaded.error().code != Code::kNotFound) return loaded;
  Keyring ring;
  if (auto added = ring.add(now); !added) return fail(added.error());
  if (auto saved = save(path, ring, Publish::kNew); !saved) return fail(saved.error());
  created = true;
  return ring;
}

Result<Keyring> rotate_key_file(const std::string& path,
                                const std::vector<Keyring::Version>& expected, Time now) {
  auto ring = load_key_file(path);
  if (!ring) return ring;
  if (!same_versions(ring->versions(), expected)) {
    return fail(Code::kConflict,
                path + ": was changed since the vault read it: restart the vault, then rotate");
  }
  if (auto added = ring->add(now); !added) return fail(added.error());
  if (auto saved = save(path, *ring, Publish::kReplace); !saved) return fail(saved.error());
  return ring;
}

}  // namespace deployclaw::vault

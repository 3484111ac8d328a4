#include "runtimes/image_build.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/clock.hpp"
#include "runtimes/file_hash.hpp"
#include "runtimes/run_recipe.hpp"

namespace deployclaw::runtimes {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTagDigits = 12;

// Holds an exclusive flock; a second build of the same key waits here and then finds the cache
// filled. The kernel frees it when the process dies.
class KeyLock {
 public:
  static Result<KeyLock> take(const fs::path& path, const Progress& progress) {
    KeyLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.fd_ < 0) {
      return fail(Code::kInternal, "cannot open " + path.string() + ": " + std::strerror(errno));
    }
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (progress) progress("another build of this image is running; waiting for it");
    while (::flock(lock.fd_, LOCK_EX) != 0) {
      if (errno != EINTR) return fail(Code::kInternal, "flock " + path.string());
    }
    return lock;
  }
  KeyLock(KeyLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  KeyLock& operator=(KeyLock&&) = delete;
  ~KeyLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit KeyLock(int fd) : fd_(fd) {}
  int fd_;
};

struct CachedTar {
  fs::path path;
  std::string sha256;
  std::uint64_t size_bytes = 0;
  std::string built_at;
};

void tell(const Progress& progress, std::string_view line) {
  if (progress) progress(line);
}

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail(Code::kInternal, "cannot make " + folder.string() + ": " + error.message());
  return {};
}

std::string modified_at(const fs::path& path) {
  std::error_code error;
  const auto stamp = fs::last_write_time(path, error);
  if (error) return {};
  return format_time(
      std::chrono::time_point_cast<Time::duration>(std::chrono::file_clock::to_sys(stamp)));
}

fs::path hash_path(const fs::path& tar) { return tar.string() + ".sha256"; }

// The cached tar when it is there and its content has the hash that was noted when it was made.
Result<CachedTar> from_cache(const fs::path& tar) {
  std::string noted;
  std::ifstream in(hash_path(tar));
  if (!(in >> noted)) return fail(Code::kNotFound, "not in the cache");
  auto actual = hash_file(tar);
  if (!actual) return fail(Code::kNotFound, "not in the cache");
  if (*actual != noted) return fail(Code::kCorrupt, tar.string() + " does not match its SHA-256");
  std::error_code error;
  return CachedTar{tar, *actual, fs::file_size(tar, error), modified_at(tar)};
}

Result<std::string> checked_archive(const Runtime& runtime, const ImageBuildOptions& options) {
  if (!runtime.image.needs_archive) return std::string();
  if (options.archive.empty() || options.archive_sha256.size() != 64) {
    return fail(Code::kInvalid, "the image of " + runtime.name +
                                    " is made from a release archive: give its path and SHA-256");
  }
  auto actual = hash_file(options.archive);
  if (!actual) return fail(std::move(actual.error()));
  if (*actual != options.archive_sha256) {
    return fail(Code::kInvalid, fmt::format("{} has SHA-256 {}, not {}", options.archive.string(),
                                            *actual, options.archive_sha256));
  }
  return actual;
}

Result<CachedTar> run(const Runtime& runtime, const ImageBuildOptions& options,
                      const std::string& key, const fs::path& tar, const Progress& progress) {
  const fs::path work =
      options.work_dir / fmt::format("{}-{}", key.substr(0, kTagDigits), getpid());
  if (auto made = make_folder(options.work_dir); !made) return fail(std::move(made.error()));
  const fs::path part = tar.string() + fmt::format(".part-{}", getpid());
  std::vector<std::string> command{(options.images_dir / runtime.image.recipe / "build").string()};
  if (runtime.image.needs_archive) {
    command.push_back(options.archive.string());
    command.push_back(options.archive_sha256);
  }
  command.push_back(part.string());
  command.push_back(work.string());

  std::error_code ignored;
  auto ran = run_recipe(command, progress);
  fs::remove_all(work, ignored);
  if (!ran) {
    fs::remove(part, ignored);
    return context("build image of " + runtime.name, std::move(ran.error()));
  }
  auto digest = hash_file(part);
  if (!digest) return context("recipe made no tar", std::move(digest.error()));

  // The hash comes last: a tar without one, left by a crash, is not believed.
  fs::remove(hash_path(tar), ignored);
  std::error_code error;
  fs::rename(part, tar, error);
  if (error) return fail(Code::kInternal, "cannot place " + tar.string() + ": " + error.message());
  std::ofstream note(hash_path(tar), std::ios::trunc);
  note << *digest << "  " << tar.filename().string() << '\n';
  note.close();
  if (!note) return fail(Code::kInternal, "cannot write " + hash_path(tar).string());
  return CachedTar{tar, *digest, fs::file_size(tar, ignored), modified_at(tar)};
}

Result<CachedTar> cached_or_built(const Runtime& runtime, const ImageBuildOptions& options,
                                  const std::string& key, const Progress& progress) {
  const fs::path tar = options.cache_dir / (key + ".tar");
  if (!options.no_cache) {
    auto cached = from_cache(tar);
    if (cached) {
      tell(progress,
           fmt::format("{} {}: from the cache, SHA-256 verified", runtime.name, runtime.version));
      return cached;
    }
    if (cached.error().code == Code::kCorrupt) {
      tell(progress, cached.error().message + "; building it again");
    }
  }
  return run(runtime, options, key, tar, progress);
}

}  // namespace

Result<std::string> image_key(const Runtime& runtime, const ImageBuildOptions& options) {
  if (runtime.image.source != ImageSource::kRecipe) {
    return fail(Code::kUnsupported, "runtime " + runtime.name + " has no image of ours to build");
  }
  Hasher hasher;
  hasher.add_field("deployclaw image v1");
  hasher.add_field(runtime.name);
  hasher.add_field(runtime.version);
  for (const std::string& change : runtime.image.changes) hasher.add_field(change);
  for (const fs::path& folder :
       {options.images_dir / runtime.image.recipe, options.images_dir / "init"}) {
    if (auto added = hash_folder(folder, hasher); !added) return fail(std::move(added.error()));
  }
  auto shared = hash_file(options.images_dir / "recipe.sh");
  if (!shared) return fail(std::move(shared.error()));
  hasher.add_field(*shared);
  hasher.add_field(options.archive_sha256);
  return hasher.hex();
}

std::string image_reference(const Runtime& runtime, std::string_view key) {
  return fmt::format("{}:{}-{}", runtime.image.name, runtime.version, key.substr(0, kTagDigits));
}

Result<ImageRecord> build_image(const Runtime& runtime, const ImageBuildOptions& options,
                                const Progress& progress, const ImageFinder& find,
                                const Importer& import) {
  auto archive = checked_archive(runtime, options);
  if (!archive) return fail(std::move(archive.error()));
  auto key = image_key(runtime, options);
  if (!key) return fail(std::move(key.error()));
  const std::string reference = image_reference(runtime, *key);
  if (auto made = make_folder(options.cache_dir); !made) return fail(std::move(made.error()));
  auto lock = KeyLock::take(options.cache_dir / (*key + ".lock"), progress);
  if (!lock) return fail(std::move(lock.error()));

  auto present = find(reference);
  if (!present) return fail(std::move(present.error()));
  if (auto record = read_image_record(options.records_dir, runtime.name);
      !options.no_cache && record && record->reference == reference &&
      record->image_id == *present) {
    tell(progress, reference + " is up to date");
    return record;
  }

  auto tar = cached_or_built(runtime, options, *key, progress);
  if (!tar) return fail(std::move(tar.error()));
  std::string image_id = *present;
  if (image_id.empty() || options.no_cache) {
    tell(progress, fmt::format("loading {} ({} MB)", reference, tar->size_bytes / 1'000'000));
    auto imported = import(tar->path, reference, runtime.image.changes);
    if (!imported) return context("load " + reference, std::move(imported.error()));
    image_id = *imported;
  }
  ImageRecord record{.runtime = runtime.name,
                     .version = runtime.version,
                     .reference = reference,
                     .image_id = image_id,
                     .sha256 = tar->sha256,
                     .size_bytes = tar->size_bytes,
                     .built_at = tar->built_at};
  if (auto written = write_image_record(options.records_dir, record); !written) {
    return fail(std::move(written.error()));
  }
  return record;
}

fs::path default_cache_dir() {
  const char* configured = std::getenv("DEPLOYCLAW_CACHE");
  return fs::path(configured != nullptr && *configured != '\0' ? configured
                                                               : "/var/cache/deployclaw") /
         "images";
}

}  // namespace deployclaw::runtimes

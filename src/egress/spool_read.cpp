#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "egress/spool.hpp"
#include "egress/spool_files.hpp"

// The reader's side of the spool.
namespace deployclaw::egress {

namespace fs = std::filesystem;

namespace {
constexpr std::ptrdiff_t kMostAside = 8;
}

std::pair<std::uint64_t, std::uint64_t> Spool::segment_of(std::uint64_t position) {
  const std::scoped_lock lock(mutex_);
  const auto after = segments_.upper_bound(position);
  if (after == segments_.begin()) {
    return {position, after == segments_.end() ? position : after->first};
  }
  return *std::prev(after);
}

// A file that is gone has no bytes.
Result<std::string> Spool::bytes_of(std::uint64_t start, std::uint64_t from,
                                    std::uint64_t most) const {
  const linux::UniqueFd file(::open(path_of(start).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return std::string();
  if (!file.valid()) return linux::fail_errno("open a spool segment", errno);
  return read_from(file.get(), from - start, most);
}

Result<Spool::Stretch> Spool::read(std::uint64_t from, std::size_t most_bytes) {
  Stretch stretch;
  stretch.end = from;
  const std::uint64_t durable = durable_.load();
  if (from >= durable) return stretch;
  const auto [start, segment_end] = segment_of(from);
  const std::uint64_t end = std::min(durable, segment_end);
  const auto most = std::max<std::uint64_t>(most_bytes, kMostRecord);
  const auto bytes = bytes_of(start, from, std::min(end - from, most));
  if (!bytes) return fail(bytes.error());
  std::string_view rest = *bytes;
  SpoolRecord record;
  while (bytes->size() - rest.size() < most_bytes && take_record(rest, record)) {
    stretch.records.push_back(std::move(record));
  }
  stretch.end = from + bytes->size() - rest.size();
  if (!stretch.records.empty()) return stretch;

  const auto all = bytes_of(start, from, end - from);
  if (!all) return fail(all.error());
  const auto next = find_record(*all);
  stretch.end = next ? from + *next : end;
  stretch.lost = stretch.end - from;
  return stretch;
}

bool Spool::keep_aside(std::uint64_t position) {
  const auto path = path_of(segment_of(position).first);
  std::error_code error;
  const auto kept = std::ranges::count_if(
      fs::directory_iterator(directory_, error),
      [](const auto& entry) { return entry.path().extension() == kAsideSuffix; });
  if (error || kept >= kMostAside) return fs::exists(path + std::string(kAsideSuffix), error);
  // A second name costs no room, and none may be left.
  return link(path.c_str(), (path + std::string(kAsideSuffix)).c_str()) == 0 || errno == EEXIST;
}

}  // namespace deployclaw::egress

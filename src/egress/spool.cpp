#include "egress/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/log.hpp"

namespace deployclaw::egress {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".spool";

Result<std::string> read_from(int fd, std::uint64_t offset, std::size_t most) {
  std::string bytes(most, '\0');
  std::size_t got = 0;
  while (got < most) {
    const auto count = pread(fd, bytes.data() + got, most - got, static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return linux::fail_errno("read the spool", errno);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

Status write_fully(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto count = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return linux::fail_errno("write the spool", errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(std::string directory, std::uint64_t most_bytes,
                                           std::uint64_t segment_bytes) {
  std::unique_ptr<Spool> spool(new Spool(std::move(directory), most_bytes, segment_bytes));
  if (auto ready = spool->prepare(); !ready) return fail(ready.error());
  return spool;
}

Status Spool::prepare() {
  if (auto named = read_name(); !named) return named;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const auto file = entry.path().filename().string();
    std::uint64_t start = 0;
    const auto parsed = std::from_chars(file.data(), file.data() + file.size(), start, 16);
    if (parsed.ec != std::errc{} || std::string_view(parsed.ptr) != kSuffix) continue;
    segments_[start] = start + entry.file_size(error);
  }
  if (error) return fail(Code::kUnavailable, "list the spool: " + error.message());
  if (segments_.empty()) return begin_segment();
  return find_end();
}

Status Spool::read_name() {
  const std::string path = directory_ + "/name";
  if (auto name = linux::read_small_file(path); name && !name->empty()) {
    name_ = *name;
    return {};
  }
  name_ = AgentId::random().to_string();
  linux::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return linux::fail_errno("create " + path, errno);
  if (auto written = write_fully(file.get(), name_, 0); !written) return written;
  return fsync(file.get()) == 0 ? Status{} : linux::fail_errno("sync " + path, errno);
}

// Cuts a torn record off the last segment.
Status Spool::find_end() {
  const std::uint64_t start = segments_.rbegin()->first;
  file_ = linux::UniqueFd(::open(path_of(start).c_str(), O_RDWR | O_CLOEXEC));
  if (!file_.valid()) return linux::fail_errno("open the spool", errno);
  const std::uint64_t size = segments_.rbegin()->second - start;
  const auto bytes = read_from(file_.get(), 0, size);
  if (!bytes) return fail(bytes.error());
  std::string_view rest = *bytes;
  SpoolRecord record;
  while (take_record(rest, record)) {
  }
  if (!rest.empty()) {
    log::warn("cut a torn end off the audit spool", {{"bytes", rest.size()}});
    if (ftruncate(file_.get(), static_cast<off_t>(bytes->size() - rest.size())) != 0) {
      return linux::fail_errno("cut the spool", errno);
    }
  }
  file_start_ = start;
  end_ = start + bytes->size() - rest.size();
  segments_[start] = end_;
  begin_ = segments_.begin()->first;
  return sync();
}

Status Spool::begin_segment() {
  linux::UniqueFd next(::open(path_of(end_).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!next.valid()) return linux::fail_errno("create a spool segment", errno);
  // The name must survive too, or the segment is lost with what is in it.
  const linux::UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) {
    return linux::fail_errno("sync the spool's folder", errno);
  }
  file_ = std::move(next);
  file_start_ = end_;
  const std::scoped_lock lock(mutex_);
  segments_[end_] = end_;
  return {};
}

Status Spool::append(const std::vector<SpoolRecord>& records) {
  std::string bytes;
  for (const auto& record : records) append_record(bytes, record);
  if (end_ - begin_.load() + bytes.size() > most_bytes_) {
    return fail(Code::kTooLarge, "the audit spool is full");
  }
  if (end_ - file_start_ > segment_bytes_) {
    if (auto synced = sync(); !synced) return synced;
    if (auto begun = begin_segment(); !begun) return begun;
  }
  if (auto written = write_fully(file_.get(), bytes, end_ - file_start_); !written) return written;
  end_ += bytes.size();
  const std::scoped_lock lock(mutex_);
  segments_[file_start_] = end_;
  return {};
}

Status Spool::sync() {
  if (fdatasync(file_.get()) != 0) return linux::fail_errno("sync the spool", errno);
  durable_ = end_;
  return {};
}

std::uint64_t Spool::segment_holding(std::uint64_t position) {
  const std::scoped_lock lock(mutex_);
  auto after = segments_.upper_bound(position);
  return after == segments_.begin() ? position : std::prev(after)->first;
}

Result<Spool::Stretch> Spool::read(std::uint64_t from, std::size_t most_bytes) {
  Stretch stretch;
  stretch.end = from;
  const std::uint64_t durable = durable_.load();
  if (from >= durable) return stretch;
  const std::uint64_t start = segment_holding(from);
  std::uint64_t end = durable;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = segments_.find(start); found != segments_.end()) {
      end = std::min(end, found->second);
    }
  }
  const linux::UniqueFd file(::open(path_of(start).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return linux::fail_errno("open a spool segment", errno);
  const auto bytes =
      read_from(file.get(), from - start, std::min<std::uint64_t>(end - from, most_bytes));
  if (!bytes) return fail(bytes.error());
  std::string_view rest = *bytes;
  SpoolRecord record;
  while (take_record(rest, record)) stretch.records.push_back(std::move(record));
  if (stretch.records.empty()) return fail(Code::kCorrupt, "the audit spool does not verify");
  stretch.end = from + bytes->size() - rest.size();
  return stretch;
}

void Spool::discard_before(std::uint64_t position) {
  const std::scoped_lock lock(mutex_);
  while (segments_.size() > 1 && segments_.begin()->second <= position) {
    std::error_code ignored;
    fs::remove(path_of(segments_.begin()->first), ignored);
    segments_.erase(segments_.begin());
  }
  begin_ = std::max(begin_.load(), position);
}

std::string Spool::path_of(std::uint64_t start) const {
  return fmt::format("{}/{:016x}{}", directory_, start, kSuffix);
}

}  // namespace deployclaw::egress

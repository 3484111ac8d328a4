#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "base/log.hpp"
#include "egress/spool.hpp"
#include "egress/spool_files.hpp"

// What is found when the spool is opened.
namespace deployclaw::egress {

namespace fs = std::filesystem;

Result<std::unique_ptr<Spool>> Spool::open(std::string directory, std::uint64_t most_bytes,
                                           std::uint64_t segment_bytes, Sync sync) {
  if (!sync) sync = [](int fd) { return fdatasync(fd); };
  std::unique_ptr<Spool> spool(
      new Spool(std::move(directory), most_bytes, segment_bytes, std::move(sync)));
  if (auto ready = spool->prepare(); !ready) return fail(ready.error());
  return spool;
}

Status Spool::prepare() {
  if (auto named = read_name(); !named) return named;
  if (auto listed = list_segments(); !listed) return listed;
  if (segments_.empty()) return begin_segment();
  return take_stock();
}

Status Spool::read_name() {
  if (auto name = linux::read_small_file(directory_ + "/name"); name && !name->empty()) {
    name_ = *name;
    return {};
  }
  return rename();
}

Status Spool::rename() {
  name_ = AgentId::random().to_string();
  return write_name();
}

// Either the old name or the whole new one is found again.
Status Spool::write_name() {
  const std::string path = directory_ + "/name";
  const std::string fresh = path + ".new";
  const linux::UniqueFd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return linux::fail_errno("create " + fresh, errno);
  if (auto written = write_fully(file.get(), name_, 0); !written) return written;
  if (fsync(file.get()) != 0) return linux::fail_errno("sync " + fresh, errno);
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return linux::fail_errno("rename " + fresh, errno);
  }
  return sync_folder(directory_);
}

Status Spool::list_segments() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const auto file = entry.path().filename().string();
    std::uint64_t start = 0;
    const auto parsed = std::from_chars(file.data(), file.data() + file.size(), start, 16);
    if (parsed.ec != std::errc{} || std::string_view(parsed.ptr) != kSegmentSuffix) continue;
    segments_[start] = start + entry.file_size(error);
  }
  if (error) return fail(Code::kUnavailable, "list the spool: " + error.message());
  // A segment ends where the next begins, whether its file is longer (given up) or shorter (lost).
  for (auto one = segments_.begin(); one != segments_.end(); ++one) {
    if (const auto next = std::next(one); next != segments_.end()) one->second = next->first;
  }
  return {};
}

// Reads everything: whose the bytes are, which intents are open, where the end is.
Status Spool::take_stock() {
  for (auto& [start, end] : segments_) {
    const auto bytes = bytes_of(start, start, end - start);
    if (!bytes) return fail(bytes.error());
    const std::uint64_t unread = end - start - bytes->size();
    const std::uint64_t good = take_stock_of(*bytes, start);
    if (start != segments_.rbegin()->first) continue;
    end = end_ = good;
    file_start_ = start;
    note_end(std::string_view(*bytes).substr(good - start), unread);
  }
  unsynced_.clear();
  known_end_ = end_;
  durable_ = end_;
  begin_ = segments_.begin()->first;
  return {};
}

// What lies behind the last good record: room for more, or nothing, or bytes that are no record and
// behind which a new segment begins. `unread`: what the disk did not give out behind that.
void Spool::note_end(std::string_view rest, std::uint64_t unread) {
  const auto used = rest.find_last_not_of('\0') + 1;  // 0 when there is nothing
  if (used == 0 && unread == 0) {
    file_ = linux::UniqueFd(::open(path_of(file_start_).c_str(), O_RDWR | O_CLOEXEC));
    room_end_ = end_ + rest.size();
    // The process may have been killed before its sync.
    if (file_.valid() && sync_(file_.get()) != 0) file_ = linux::UniqueFd();
    return;
  }
  if (unread == 0 && looks_torn(rest, (end_ - file_start_) % kSector)) {
    log::warn("left a torn end of the audit spool behind", {{"bytes", used}});
    return;
  }
  lost_at_open_ = used + unread;
  log::error("the end of the audit spool cannot be read",
             {{"bytes", lost_at_open_}, {"kept", keep_aside(file_start_)}});
}

// Answers the position behind the last good record.
std::uint64_t Spool::take_stock_of(std::string_view bytes, std::uint64_t start) {
  std::string_view rest = bytes;
  std::uint64_t good = start;
  SpoolRecord record;
  while (!rest.empty()) {
    if (!take_record(rest, record)) {
      const auto next = find_record(rest);
      if (!next) break;
      rest.remove_prefix(*next);
      continue;
    }
    good = start + bytes.size() - rest.size();
    shares_.add(record.client, size_of(record), good);
    note(record);
  }
  return good;
}

}  // namespace deployclaw::egress

#include "egress/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/log.hpp"
#include "egress/spool_files.hpp"

// The writer's side of the spool.
namespace deployclaw::egress {

namespace fs = std::filesystem;

std::string Spool::path_of(std::uint64_t start) const {
  return fmt::format("{}/{:016x}{}", directory_, start, kSegmentSuffix);
}

std::uint64_t Spool::free_bytes() const {
  const std::uint64_t held = end_ - begin_.load();
  return held >= most_bytes_ ? 0 : most_bytes_ - held;
}

bool Spool::fits(const ClientId& client, std::uint64_t bytes) const {
  return shares_.fits(client, bytes);
}

// Keeps in mind which intents are open.
void Spool::note(const SpoolRecord& record) {
  const OpenIntent intent{
      .client = record.client, .agent = record.agent, .worker = record.worker, .id = record.id};
  const auto found = open_.find(intent);
  if (record.kind == RecordKind::kIntent || record.kind == RecordKind::kOpen) {
    if (open_.try_emplace(intent, record.charge).second)
      unsynced_.emplace_back(intent, std::nullopt);
  } else if (found != open_.end() && record.kind == RecordKind::kOutcome) {
    unsynced_.emplace_back(*found);
    open_.erase(found);
  } else if (found != open_.end() && record.kind == RecordKind::kLower) {
    unsynced_.emplace_back(*found);
    found->second.amount = std::min(found->second.amount, record.charge.amount);
  }
}

std::vector<OpenIntent> Spool::left_open() const {
  std::vector<OpenIntent> out;
  for (const auto& [intent, charge] : open_) {
    out.push_back(intent);
    out.back().charge = charge;
  }
  return out;
}

Status Spool::begin_segment() {
  std::string carried;
  for (const auto& [intent, charge] : open_) {
    auto record = intent.ended("{}");
    record.kind = RecordKind::kOpen;
    record.charge = charge;
    append_record(carried, record);
  }
  // A file that is there already gives way, and not its bytes: nothing in it was durable, or it is
  // damaged and kept aside under its other name.
  const std::string path = path_of(end_);
  const std::string fresh = directory_ + "/next";
  ::unlink(fresh.c_str());
  linux::UniqueFd next(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!next.valid()) return linux::fail_errno("create a spool segment", errno);
  const auto room = fill_new_segment(next.get(), carried);
  if (!room) {
    ::unlink(fresh.c_str());
    return fail(room.error());
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    return linux::fail_errno("name a spool segment", errno);
  }
  // The name must survive too, or the segment is lost with what is in it.
  if (auto synced = sync_folder(directory_); !synced) {
    ::unlink(path.c_str());
    return synced;
  }
  file_ = std::move(next);
  file_start_ = end_;
  end_ += carried.size();
  room_end_ = file_start_ + *room;
  durable_ = end_;
  const std::scoped_lock lock(mutex_);
  if (!segments_.empty()) segments_.rbegin()->second = file_start_;
  segments_[file_start_] = end_;
  begin_ = std::max(begin_.load(), segments_.begin()->first);
  return {};
}

// Answers where its room ends. On a full disk it has none, and append() will say so.
Result<std::uint64_t> Spool::fill_new_segment(int fd, std::string_view carried) const {
  if (auto written = write_fully(fd, carried, 0); !written) return fail(written.error());
  std::uint64_t room = with_room(carried.size() + 1);
  if (!write_zeros(fd, carried.size(), room)) {
    room = carried.size();
    if (ftruncate(fd, static_cast<off_t>(room)) != 0) {
      return linux::fail_errno("cut a spool segment", errno);
    }
  }
  if (sync_(fd) != 0) return linux::fail_errno("sync a spool segment", errno);
  return room;
}

// Its room goes back to the disk.
Status Spool::end_segment() {
  if (auto synced = sync(); !synced) return synced;
  [[maybe_unused]] const int given = ftruncate(file_.get(), static_cast<off_t>(end_ - file_start_));
  file_ = linux::UniqueFd();
  return {};
}

Status Spool::make_room(std::uint64_t bytes) {
  if (end_ + bytes <= room_end_) return {};
  const std::uint64_t from = room_end_ - file_start_;
  const std::uint64_t to = with_room(end_ + bytes - file_start_);
  if (auto filled = write_zeros(file_.get(), from, to); !filled) {
    // Others need what there is left of the disk.
    [[maybe_unused]] const int given = ftruncate(file_.get(), static_cast<off_t>(from));
    return filled;
  }
  if (auto synced = sync(); !synced) return synced;
  room_end_ = file_start_ + to;
  return {};
}

// What came to be written of a failed write may hold whole records, and must not be taken for any.
void Spool::cut_back() {
  if (ftruncate(file_.get(), static_cast<off_t>(end_ - file_start_)) == 0) {
    room_end_ = end_;
    return;
  }
  log::error("the audit spool cannot be cut back", {{"errno", errno}});
  give_up_segment();
}

Status Spool::append(const std::vector<SpoolRecord>& records) {
  std::size_t size = 0;
  for (const auto& record : records) size += size_of(record);
  std::string bytes;
  bytes.reserve(size);
  for (const auto& record : records) append_record(bytes, record);
  if (bytes.size() > free_bytes()) return fail(Code::kTooLarge, "the audit spool is full");
  if (file_.valid() && end_ - file_start_ > segment_bytes_) {
    if (auto ended = end_segment(); !ended) return ended;
  }
  if (!file_.valid()) {
    if (auto begun = begin_segment(); !begun) return begun;
  }
  if (auto room = make_room(bytes.size()); !room) return room;
  if (auto written = write_fully(file_.get(), bytes, end_ - file_start_); !written) {
    cut_back();
    return written;
  }
  for (const auto& record : records) {
    end_ += size_of(record);
    shares_.add(record.client, size_of(record), end_);
    note(record);
  }
  const std::scoped_lock lock(mutex_);
  segments_[file_start_] = end_;
  return {};
}

Status Spool::sync() {
  if (!file_.valid()) return {};  // nothing was appended since there was one
  if (sync_(file_.get()) != 0) {
    const int error = errno;
    give_up_segment();
    return linux::fail_errno("sync the spool", error);
  }
  unsynced_.clear();
  durable_ = end_;
  return {};
}

void Spool::give_up_segment() {
  ++segments_given_up_;
  log::error("gave up a segment of the audit spool", {{"from", durable_.load()}, {"to", end_}});
  for (; !unsynced_.empty(); unsynced_.pop_back()) {
    const auto& [intent, before] = unsynced_.back();
    if (before) {
      open_.insert_or_assign(intent, *before);
    } else {
      open_.erase(intent);
    }
  }
  end_ = durable_;
  shares_.take_back(end_);
  file_ = linux::UniqueFd();
  const std::scoped_lock lock(mutex_);
  segments_[file_start_] = end_;
  if (file_start_ == end_) segments_.erase(file_start_);
}

void Spool::discard_before(std::uint64_t position) {
  shares_.release(position);
  const std::scoped_lock lock(mutex_);
  while (segments_.size() > 1 && segments_.begin()->second <= position) {
    std::error_code ignored;
    fs::remove(path_of(segments_.begin()->first), ignored);
    segments_.erase(segments_.begin());
  }
  begin_ = std::max(begin_.load(), position);
}

}  // namespace deployclaw::egress

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "egress/messages.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// One record as it lies in the spool. Whose it is was set by the supervisor, not by the worker.
struct SpoolRecord {
  RecordKind kind = RecordKind::kEvent;
  ClientId client;
  AgentId agent;
  std::uint64_t worker = 0;  // which run of a worker; with id it names an intent
  std::uint64_t id = 0;
  std::string json;
};

// What is known to have been about to happen and what happened, on disk before PostgreSQL has it.
// A sequence of segment files named by the position of their first byte; positions only grow. Each
// record carries its length and a CRC-32; a torn end (a crash in the middle of a write) is cut off
// when the spool is opened: what was never durable never led to an effect.
//
// append(), sync() and discard_before() belong to one thread, read() may be used by another.
class Spool {
 public:
  // Opens or creates the folder's spool (the folder exists). `most_bytes` bounds what may wait to
  // be written to the database.
  static Result<std::unique_ptr<Spool>> open(std::string directory, std::uint64_t most_bytes,
                                             std::uint64_t segment_bytes = 16ULL << 20);

  // Adds records behind the end with one write; not yet durable. kTooLarge when the spool is full;
  // on any error nothing counts as added.
  Status append(const std::vector<SpoolRecord>& records);
  // Makes everything appended durable (fdatasync).
  Status sync();

  // Random, made with the folder: another folder is another history.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t begin() const { return begin_.load(); }
  [[nodiscard]] std::uint64_t durable_end() const { return durable_.load(); }
  [[nodiscard]] std::uint64_t waiting_bytes() const { return durable_.load() - begin_.load(); }

  struct Stretch {
    std::vector<SpoolRecord> records;
    std::uint64_t end = 0;  // where the next stretch begins
  };
  // Durable records from `from` on, about `most_bytes` of them; none at the end. kCorrupt when what
  // is there does not verify.
  Result<Stretch> read(std::uint64_t from, std::size_t most_bytes);

  // Deletes the segments that end before `position`: the database has them.
  void discard_before(std::uint64_t position);

 private:
  Spool(std::string directory, std::uint64_t most_bytes, std::uint64_t segment_bytes)
      : directory_(std::move(directory)), most_bytes_(most_bytes), segment_bytes_(segment_bytes) {}
  Status prepare();
  Status read_name();
  Status find_end();
  Status begin_segment();
  [[nodiscard]] std::string path_of(std::uint64_t start) const;
  std::uint64_t segment_holding(std::uint64_t position);

  const std::string directory_;
  const std::uint64_t most_bytes_;
  const std::uint64_t segment_bytes_;
  std::string name_;
  std::mutex mutex_;                                 // guards segments_
  std::map<std::uint64_t, std::uint64_t> segments_;  // start → end (of all but the last)
  linux::UniqueFd file_;                             // the last segment
  std::uint64_t file_start_ = 0;
  std::uint64_t end_ = 0;
  std::atomic<std::uint64_t> begin_ = 0;
  std::atomic<std::uint64_t> durable_ = 0;
};

// The bytes of one record in the spool; for the spool and its tests.
void append_record(std::string& out, const SpoolRecord& record);
// Takes one record from the front of `bytes`. False when there is none that verifies.
bool take_record(std::string_view& bytes, SpoolRecord& record);

}  // namespace deployclaw::egress

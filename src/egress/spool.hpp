#pragma once

#include <algorithm>
#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "egress/messages.hpp"
#include "egress/spool_record.hpp"
#include "egress/spool_shares.hpp"
#include "linux/file.hpp"

namespace deployclaw::egress {

// What is known to have been about to happen and what happened, on disk before PostgreSQL has it.
// A sequence of segment files named by the position of their first byte; positions only grow, and a
// segment ends where the next one begins, whatever else its file holds. Each record carries its
// length and a CRC-32.
//
// The last segment's file goes on behind its records as zeros, which were written and made durable
// before: a write into that room changes nothing but data, so that its sync is a plain flush. Where
// the records end is where the zeros begin.
//
// No fault of the disk stops it for good:
// - A torn end (a crash in the middle of a write, of which any sectors may be missing) is left
//   behind: what was never durable never led to an effect. The next record begins a segment. With
//   a record that verifies behind the tear it cannot be told from damage, and is told as such.
// - A record in the middle that does not verify is stepped over by its length; when that leads to
//   no good record, so is the rest of its segment. Never by looking for bytes that happen to
//   verify: a record's text is an agent's, who could have written a record of another client into
//   it. The reader is told how much it lost, and the file can be kept aside.
// - After a failed sync the kernel may have thrown pages away and does not say so again: the
//   segment is given up behind what was durable, and the next record begins another.
//
// Each segment begins with the intents that are open then (RecordKind::kOpen), so that the last one
// alone tells, after a crash, which had no outcome.
//
// append(), sync(), fits() and discard_before() belong to one thread, the rest to one other.
class Spool {
 public:
  // fdatasync(2) or what a test puts in its place.
  using Sync = std::function<int(int fd)>;

  // Opens or creates the folder's spool (the folder exists). `most_bytes` bounds what may wait to
  // be written to the database; the files take up to a 64th of that more, or 1 MiB.
  static Result<std::unique_ptr<Spool>> open(std::string directory, std::uint64_t most_bytes,
                                             std::uint64_t segment_bytes = 16ULL << 20,
                                             Sync sync = {});

  // Adds records behind the end with one write; not yet durable. kTooLarge when the spool is full;
  // on any error nothing counts as added. Where more room is made for them, what was appended
  // before is made durable too, or its segment is given up.
  Status append(const std::vector<SpoolRecord>& records);
  // Makes everything appended durable. On an error, nothing appended since the last success is.
  Status sync();

  // Bytes that may still be added.
  [[nodiscard]] std::uint64_t free_bytes() const;
  // Whether `client` may add so much without taking the others' room.
  [[nodiscard]] bool fits(const ClientId& client, std::uint64_t bytes) const;

  [[nodiscard]] bool is_open(const OpenIntent& intent) const { return open_.contains(intent); }
  // Segments given up after a failed sync: what was appended since the last success went with them.
  [[nodiscard]] std::uint64_t segments_given_up() const { return segments_given_up_; }

  // What open() found of a former life: intents without an outcome, and bytes at the end that do
  // not verify although they once were whole.
  [[nodiscard]] std::vector<OpenIntent> left_open() const;
  [[nodiscard]] std::uint64_t lost_at_open() const { return lost_at_open_; }

  // Random, made with the folder: another folder is another history.
  [[nodiscard]] const std::string& name() const { return name_; }
  // Begins another history in the same place.
  Status rename();
  [[nodiscard]] std::uint64_t begin() const { return begin_.load(); }
  // A database that belongs to this spool may be here, or before it: where the spool ended when it
  // was opened, or what was noted since.
  [[nodiscard]] std::uint64_t known_end() const { return known_end_; }
  void note_known(std::uint64_t position) { known_end_ = std::max(known_end_, position); }
  [[nodiscard]] std::uint64_t durable_end() const { return durable_.load(); }
  [[nodiscard]] std::uint64_t waiting_bytes() const { return durable_.load() - begin_.load(); }

  struct Stretch {
    std::vector<SpoolRecord> records;
    std::uint64_t end = 0;   // where the next stretch begins
    std::uint64_t lost = 0;  // bytes before `end` that cannot be read; there are no records then
  };
  // Durable records from `from` on, about `most_bytes` of them; nothing at the end. An error is
  // worth another try later.
  Result<Stretch> read(std::uint64_t from, std::size_t most_bytes);
  // Keeps the file of the segment that holds `position` under another name (.corrupt), beyond
  // discard_before(). False when it cannot, or enough are kept.
  [[nodiscard]] bool keep_aside(std::uint64_t position);

  // Deletes the segments that end before `position`: the database has them.
  void discard_before(std::uint64_t position);

 private:
  Spool(std::string directory, std::uint64_t most_bytes, std::uint64_t segment_bytes, Sync sync)
      : directory_(std::move(directory)),
        most_bytes_(most_bytes),
        segment_bytes_(segment_bytes),
        piece_(std::clamp<std::uint64_t>(most_bytes / 64, kLeastPiece, kMostPiece)),
        sync_(std::move(sync)),
        shares_(most_bytes) {}
  Status prepare();
  Status read_name();
  Status write_name();
  Status list_segments();
  Status take_stock();
  std::uint64_t take_stock_of(std::string_view bytes, std::uint64_t start);
  void note_end(std::string_view rest, std::uint64_t unread);
  void note(const SpoolRecord& record);
  Status begin_segment();
  Result<std::uint64_t> fill_new_segment(int fd, std::string_view carried) const;
  Status end_segment();
  Status make_room(std::uint64_t bytes);
  void cut_back();
  void give_up_segment();
  // Of a file that holds so much.
  [[nodiscard]] std::uint64_t with_room(std::uint64_t bytes) const {
    return (bytes + piece_ - 1) / piece_ * piece_;
  }
  [[nodiscard]] std::string path_of(std::uint64_t start) const;
  [[nodiscard]] Result<std::string> bytes_of(std::uint64_t start, std::uint64_t from,
                                             std::uint64_t most) const;
  // {start, end} of the segment that holds `position`.
  std::pair<std::uint64_t, std::uint64_t> segment_of(std::uint64_t position);

  // Room is made by so much: rarely enough, and without a long wait when it is.
  static constexpr std::uint64_t kLeastPiece = 4UL * 1024;
  static constexpr std::uint64_t kMostPiece = 1UL << 20;

  const std::string directory_;
  const std::uint64_t most_bytes_;
  const std::uint64_t segment_bytes_;
  const std::uint64_t piece_;
  const Sync sync_;
  std::string name_;
  std::mutex mutex_;                                 // guards segments_
  std::map<std::uint64_t, std::uint64_t> segments_;  // start → end
  linux::UniqueFd file_;                             // the last segment; none: begin one first
  std::uint64_t file_start_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t room_end_ = 0;  // of file_: from end_ to here there are durable zeros
  std::uint64_t known_end_ = 0;
  std::uint64_t lost_at_open_ = 0;
  std::uint64_t segments_given_up_ = 0;
  std::map<OpenIntent, Admission> open_;
  // Changes of open_ since the last sync: what was there before, if anything.
  std::vector<std::pair<OpenIntent, std::optional<Admission>>> unsynced_;
  SpoolShares shares_;
  std::atomic<std::uint64_t> begin_ = 0;
  std::atomic<std::uint64_t> durable_ = 0;
};

}  // namespace deployclaw::egress

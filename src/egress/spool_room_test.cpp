// The zeros behind the spool's records: what they are good for, and what a power cut leaves in
// them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "egress/spool.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMost = 1ULL << 20;
constexpr std::uint64_t kPiece = kMost / 64;

class SpoolRoom : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> open(std::uint64_t most = kMost, std::uint64_t segment = kMost) {
    auto spool = Spool::open(directory.path(), most, segment, [this](int fd) {
      ++syncs;
      if (!failing) return fdatasync(fd);
      errno = EIO;
      return -1;
    });
    EXPECT_TRUE(spool) << spool.error().message;
    return std::move(*spool);
  }
  static SpoolRecord record(std::uint64_t id, std::size_t json = 100) {
    return {.kind = RecordKind::kEvent,
            .client = {},
            .agent = {},
            .worker = 7,
            .id = id,
            .json = std::string(json, static_cast<char>('a' + (id % 26)))};
  }
  void add(Spool& spool, const std::vector<SpoolRecord>& records) const {
    ASSERT_TRUE(spool.append(records));
    ASSERT_TRUE(spool.sync());
  }

  // The ids in order, and 0 for what cannot be read.
  static std::vector<std::uint64_t> ids(Spool& spool) {
    std::vector<std::uint64_t> out;
    for (auto at = spool.begin(); at < spool.durable_end();) {
      const auto stretch = spool.read(at, 1 << 16);
      if (!stretch || stretch->end <= at) throw std::runtime_error("the reader is stuck");
      if (stretch->lost > 0) out.push_back(0);
      for (const auto& one : stretch->records) {
        EXPECT_TRUE(one.json.empty() || one.json == record(one.id, one.json.size()).json);
        out.push_back(one.id);
      }
      at = stretch->end;
    }
    return out;
  }

  std::string file() const { return directory.file("0000000000000000.spool"); }
  std::string bytes() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const {
    std::ofstream out(file(), std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // Leaves the one segment with these bytes.
  void put_back(const std::string& bytes) const {
    for (const auto& entry : fs::directory_iterator(directory.path())) {
      if (entry.path().filename() != "name") fs::remove(entry.path());
    }
    write(bytes);
  }
  bool kept_aside() const { return fs::exists(file() + ".corrupt"); }

  vault::TemporaryDirectory directory;
  int syncs = 0;
  bool failing = false;
};

TEST_F(SpoolRoom, IsWrittenBeforeItIsUsedSoThatASyncHasOnlyDataToFlush) {
  auto spool = open();
  EXPECT_EQ(fs::file_size(file()), kPiece);
  const int fd = ::open(file().c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(lseek(fd, 0, SEEK_HOLE), static_cast<off_t>(kPiece)) << "no hole: blocks of its own";
  ::close(fd);
  const auto before = syncs;
  for (std::uint64_t id = 1; id <= 50; ++id) add(*spool, {record(id)});
  EXPECT_EQ(fs::file_size(file()), kPiece);
  EXPECT_EQ(syncs, before + 50);
}

TEST_F(SpoolRoom, GrowsByPiecesHoweverMuchComesAtOnce) {
  auto spool = open();
  std::vector<std::uint64_t> wanted;
  for (std::uint64_t id = 1; id <= 40; ++id) {
    add(*spool, {record(id, 1'500)});
    wanted.push_back(id);
    ASSERT_EQ(fs::file_size(file()) % kPiece, 0U);
    ASSERT_GE(fs::file_size(file()), spool->durable_end());
    ASSERT_LT(fs::file_size(file()), spool->durable_end() + kPiece);
  }
  add(*spool, {record(41, 60'000), record(42, 60'000)});
  wanted.insert(wanted.end(), {41, 42});
  EXPECT_EQ(ids(*spool), wanted);
  spool.reset();
  EXPECT_EQ(ids(*open()), wanted);
}

TEST_F(SpoolRoom, IsUsedOnAfterARestart) {
  for (std::uint64_t id = 1; id <= 5; ++id) {
    auto spool = open();
    add(*spool, {record(id)});
    EXPECT_EQ(fs::file_size(file()), kPiece);
    EXPECT_EQ(spool->lost_at_open(), 0U);
  }
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

TEST_F(SpoolRoom, CountsForNobodysShareAndIsGivenBackWithTheSegment) {
  auto spool = open(kMost, 1'000);
  EXPECT_EQ(spool->free_bytes(), kMost);
  EXPECT_EQ(spool->waiting_bytes(), 0U);
  for (std::uint64_t id = 1; id <= 30; ++id) add(*spool, {record(id)});
  const auto size = size_of(record(1));
  EXPECT_EQ(spool->waiting_bytes(), 30 * size);
  EXPECT_EQ(spool->free_bytes(), kMost - 30 * size);
  EXPECT_EQ(fs::file_size(file()), 7 * size) << "the first that is longer than 1,000 bytes";
}

// A spool of the former version: its file ends where its records do.
TEST_F(SpoolRoom, IsMadeWhereAFormerVersionHadNone) {
  {
    auto spool = open();
    add(*spool, {record(1), record(2)});
    fs::resize_file(file(), spool->durable_end());
  }
  auto spool = open();
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 2}));
  add(*spool, {record(3)});
  EXPECT_EQ(fs::file_size(file()), kPiece);
  spool.reset();
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{1, 2, 3}));
}

// ---- When it cannot be made.

// No file may be longer than this while it lives.
class FileLimit {
 public:
  explicit FileLimit(std::uint64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(SpoolRoom, RefusesWhileTheDiskHasNoneLeftAndTakesItAfterwards) {
  auto spool = open();
  std::vector<std::uint64_t> wanted;
  std::uint64_t id = 1;
  {
    const FileLimit limit(kPiece + 4'096);
    while (spool->append({record(id, 1'000)})) wanted.push_back(id++);
    EXPECT_EQ(fs::file_size(file()), kPiece) << "nor does it keep what little there was";
    EXPECT_EQ(wanted.size(), kPiece / size_of(record(1, 1'000))) << "what there was is used";
    EXPECT_FALSE(spool->append({record(id, 1'000)}));
    add(*spool, {record(100, 10)});
    wanted.push_back(100);
    EXPECT_EQ(ids(*spool), wanted);
  }
  EXPECT_EQ(spool->segments_given_up(), 0U);
  add(*spool, {record(200)});
  wanted.push_back(200);
  EXPECT_EQ(ids(*spool), wanted);
  spool.reset();
  EXPECT_EQ(ids(*open()), wanted);
}

TEST_F(SpoolRoom, BeginsASegmentWithoutAnyAndRefusesUntilThereIsSome) {
  auto spool = open(kMost, 100);
  add(*spool, {record(1)});
  {
    const FileLimit limit(4'096);
    EXPECT_FALSE(spool->append({record(2)}));
    EXPECT_FALSE(spool->append({record(2)}));
  }
  add(*spool, {record(3)});
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(std::ranges::count(fs::directory_iterator(directory.path()), ".spool",
                               [](const auto& one) { return one.path().extension(); }),
            2);
  spool.reset();
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(SpoolRoom, ASpoolIsOpenedOnAFullDiskToo) {
  std::unique_ptr<Spool> spool;
  {
    const FileLimit limit(100);
    spool = open();
    EXPECT_FALSE(spool->append({record(1)}));
  }
  add(*spool, {record(2)});
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{2}));
}

// The sync of new room is one of what was written before, and its failure as well.
TEST_F(SpoolRoom, GivesTheSegmentUpWhenItCannotBeMadeDurable) {
  auto spool = open();
  add(*spool, {record(1)});
  ASSERT_TRUE(spool->append({record(2)}));
  const auto durable = spool->durable_end();
  failing = true;
  EXPECT_FALSE(spool->append({record(3, kPiece)}));
  failing = false;
  EXPECT_EQ(spool->segments_given_up(), 1U);
  EXPECT_EQ(spool->durable_end(), durable);
  add(*spool, {record(4)});
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1, 4}));
  spool.reset();
  EXPECT_EQ(ids(*open()), (std::vector<std::uint64_t>{1, 4}));
}

// ---- A power cut in the middle of a write: any of its sectors may be there, or not.

// Opens what is left of the write of `after` over `before` for every choice of the sectors in which
// they differ.
template <class Check>
void for_every_subset(const std::string& before, const std::string& after, Check check) {
  std::vector<std::size_t> sectors;
  for (std::size_t at = 0; at < after.size(); at += kSector) {
    if (before.compare(at, kSector, after, at, kSector) != 0) sectors.push_back(at);
  }
  for (std::size_t subset = 0; subset < (1UL << sectors.size()); ++subset) {
    std::string left = before;
    std::set<std::size_t> missing;
    for (std::size_t i = 0; i < sectors.size(); ++i) {
      if ((subset >> i & 1U) != 0) {
        left.replace(sectors[i], kSector, after, sectors[i], kSector);
      } else {
        missing.insert(sectors[i] / kSector);
      }
    }
    check(left, missing);
  }
}

TEST_F(SpoolRoom, AnySectorsOfTheLastRecordMayBeMissingAfterAPowerCut) {
  // In the middle of a sector, at its beginning, and with a length that lies in two.
  for (const std::size_t first :
       {100UL, kSector - size_of(record(1, 0)), kSector - size_of(record(1, 0)) - 2}) {
    put_back({});
    fs::remove(file());
    auto spool = open();
    add(*spool, {record(1, first)});
    const auto before = bytes();
    add(*spool, {record(2, 3'000)});
    spool.reset();
    const auto after = bytes();
    for_every_subset(before, after, [&](const std::string& left, const auto& missing) {
      put_back(left);
      auto again = open();
      std::vector<std::uint64_t> wanted{1};
      if (missing.empty()) wanted.push_back(2);
      ASSERT_EQ(ids(*again), wanted);
      ASSERT_EQ(again->lost_at_open(), 0U) << "it was never durable";
      ASSERT_FALSE(kept_aside());
      add(*again, {record(3, 1'000)});
      wanted.push_back(3);
      ASSERT_EQ(ids(*again), wanted);
      again.reset();
      ASSERT_EQ(ids(*open()), wanted);
    });
  }
}

// Several records of one write: whatever verifies is kept; what is missing in front of such a
// record could as well have been durable, and is told.
TEST_F(SpoolRoom, AnySectorsOfTheLastRecordsMayBeMissingAfterAPowerCut) {
  auto spool = open();
  add(*spool, {record(1, 300)});
  const auto before = bytes();
  const std::vector<SpoolRecord> last{record(2, 700), record(3, 250), record(4, 1'100),
                                      record(5, 90), record(6, 600)};
  add(*spool, last);
  spool.reset();
  const auto after = bytes();
  int told = 0;
  for_every_subset(before, after, [&](const std::string& left, const auto& missing) {
    std::vector<bool> whole;
    std::size_t at = size_of(record(1, 300));
    for (const auto& one : last) {
      const auto end = at + size_of(one);
      const auto lacking = missing.lower_bound(at / kSector);
      whole.push_back(lacking == missing.end() || *lacking * kSector >= end);
      at = end;
    }
    const auto torn = std::ranges::find(whole, false);
    const bool behind = std::find(torn, whole.end(), true) != whole.end();

    put_back(left);
    auto again = open();
    const auto found = ids(*again);
    ASSERT_EQ(found.at(0), 1U);
    const auto good = static_cast<std::size_t>(torn - whole.begin());
    for (std::size_t i = 0; i < good; ++i) ASSERT_EQ(found.at(i + 1), i + 2);
    for (const auto id : found) ASSERT_TRUE(id < 2 || whole.at(id - 2)) << id;
    ASSERT_TRUE(std::ranges::is_sorted(found.begin(), std::ranges::find(found, 0U)));
    const bool tells = again->lost_at_open() > 0 || std::ranges::count(found, 0U) > 0;
    ASSERT_EQ(tells, behind);
    ASSERT_TRUE(tells || found.size() == good + 1);
    told += tells ? 1 : 0;

    add(*again, {record(7)});
    auto wanted = found;
    wanted.push_back(7);
    ASSERT_EQ(ids(*again), wanted);
    again.reset();
    ASSERT_EQ(ids(*open()), wanted);
  });
  EXPECT_GT(told, 0);
}

// ---- Damage is none.

TEST_F(SpoolRoom, ALastRecordThatWasChangedIsDamageAndNoTear) {
  const auto size = size_of(record(1, 2'000));
  std::string whole;
  {
    auto spool = open();
    add(*spool, {record(1, 2'000), record(2, 2'000)});
    whole = bytes();
  }
  for (const std::size_t at : {0UL, 5UL, 8UL, 100UL, size - 1}) {
    auto damaged = whole;
    damaged[size + at] = static_cast<char>(damaged[size + at] ^ 0x40);
    put_back(damaged);
    auto spool = open();
    EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{1})) << at;
    EXPECT_EQ(spool->lost_at_open(), size) << at;
    EXPECT_TRUE(kept_aside()) << at;
  }
}

TEST_F(SpoolRoom, ASectorThatIsLostInFrontOfRecordsIsDamageAndNoTear) {
  auto spool = open();
  std::vector<SpoolRecord> records;
  for (std::uint64_t id = 1; id <= 40; ++id) records.push_back(record(id));
  add(*spool, records);
  const auto end = spool->durable_end();
  spool.reset();
  const auto whole = bytes();
  for (std::size_t sector = 0; (sector + 2) * kSector < end; ++sector) {
    auto damaged = whole;
    damaged.replace(sector * kSector, kSector, kSector, '\0');
    put_back(damaged);
    auto again = open();
    const auto found = ids(*again);
    EXPECT_TRUE(again->lost_at_open() > 0 || std::ranges::count(found, 0U) > 0) << sector;
    EXPECT_EQ(again->lost_at_open() > 0, kept_aside()) << sector;
  }
}

// The damaged file is kept although the segment that follows has its name.
TEST_F(SpoolRoom, ASegmentWithoutAnyGoodRecordIsKeptAsItIs) {
  {
    auto spool = open();
    add(*spool, {record(1)});
  }
  auto damaged = bytes();
  damaged[70] = '!';
  write(damaged);
  auto spool = open();
  EXPECT_EQ(spool->lost_at_open(), size_of(record(1)));
  add(*spool, {record(2)});
  EXPECT_EQ(ids(*spool), (std::vector<std::uint64_t>{2}));
  std::ifstream in(file() + ".corrupt", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), damaged);
}

}  // namespace
}  // namespace deployclaw::egress

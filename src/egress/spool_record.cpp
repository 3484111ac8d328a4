#include "egress/spool_record.hpp"

#include <libdeflate.h>

#include <cstring>

namespace deployclaw::egress {
namespace {

// length, crc, then kind, client, agent, worker, id, the charge when there is one, and the JSON.
constexpr std::size_t kFrame = 8;
constexpr std::size_t kHead = 1 + 16 + 16 + 8 + 8;
constexpr std::uint8_t kCharged = 0x80;  // beside the kind

// As zlib's (RFC 1952 §8), at a quarter of its time for a record's length.
std::uint32_t crc_of(std::string_view bytes) {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
void get(std::string_view& in, T& value) {
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
}

// What the frame at the front says of its size, itself included; 0 when it can be none.
std::size_t framed_size(std::string_view bytes) {
  if (bytes.size() < kFrame) return 0;
  std::uint32_t length = 0;
  get(bytes, length);
  return length < kHead || length > kMostRecord ? 0 : kFrame + length;
}

bool is_room(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Whether of the sectors that `size` bytes from `at` on lie in one is missing. The first of all
// may have been there in part.
bool lacks_a_sector(std::string_view bytes, std::size_t in_sector, std::size_t at,
                    std::size_t size) {
  for (std::size_t sector = (at + in_sector) / kSector; sector * kSector < at + size + in_sector;
       ++sector) {
    const std::size_t begin = sector == 0 ? 0 : sector * kSector - in_sector;
    if (is_room(bytes.substr(begin, (sector + 1) * kSector - in_sector - begin))) return true;
  }
  return false;
}

// Whether a tear is enough to explain that no record here verifies.
bool may_be_torn(std::string_view bytes, std::size_t in_sector) {
  std::size_t at = 0;
  while (!is_room(bytes.substr(at))) {
    const auto rest = bytes.substr(at);
    const std::size_t size = framed_size(rest);
    // The file ends before the record does.
    if (rest.size() < kFrame || size > rest.size()) return true;
    // What it says of its size may be no more than half of it.
    if (lacks_a_sector(bytes, in_sector, at, kFrame)) return true;
    if (size == 0 || !lacks_a_sector(bytes, in_sector, at, size)) return false;
    at += size;
  }
  return true;
}

// Whether a record that verifies begins anywhere in `bytes`; also when it would take too long to
// find out.
bool holds_a_record(std::string_view bytes) {
  std::size_t effort = 256UL << 20;
  for (; bytes.size() >= kFrame + kHead; bytes.remove_prefix(1)) {
    const std::size_t size = framed_size(bytes);
    if (size == 0 || size > bytes.size()) continue;
    const auto kind = static_cast<std::uint8_t>(bytes[kFrame]) & ~kCharged;
    if (kind < static_cast<int>(RecordKind::kIntent) || kind > static_cast<int>(RecordKind::kLower))
      continue;
    if (size > effort) return true;
    effort -= size;
    std::uint32_t crc = 0;
    std::memcpy(&crc, bytes.data() + 4, sizeof crc);
    if (crc_of(bytes.substr(kFrame, size - kFrame)) == crc) return true;
  }
  return false;
}

}  // namespace

SpoolRecord OpenIntent::ended(std::string json) const {
  return {.kind = RecordKind::kOutcome,
          .client = client,
          .agent = agent,
          .worker = worker,
          .id = id,
          .json = std::move(json),
          .charge = {.at = charge.amount > 0 ? charge.at : 0, .amount = charge.amount}};
}

std::size_t size_of(const SpoolRecord& record) {
  return kFrame + kHead + (is_charged(record) ? kChargeBytes : 0) + record.json.size();
}

void append_record(std::string& out, const SpoolRecord& record) {
  const auto length = static_cast<std::uint32_t>(size_of(record) - kFrame);
  const auto kind = static_cast<std::uint8_t>(record.kind);
  const std::size_t start = out.size();
  put(out, length);
  put(out, std::uint32_t{0});
  put(out, static_cast<std::uint8_t>(is_charged(record) ? kind | kCharged : kind));
  put(out, record.client);
  put(out, record.agent);
  put(out, record.worker);
  put(out, record.id);
  if (is_charged(record)) {
    put(out, record.charge.scope);
    put(out, record.charge.at);
    put(out, record.charge.amount);
  }
  out += record.json;
  const auto crc = crc_of(std::string_view(out).substr(start + kFrame));
  std::memcpy(out.data() + start + 4, &crc, sizeof crc);
}

bool take_record(std::string_view& bytes, SpoolRecord& record) {
  if (bytes.size() < kFrame + kHead) return false;
  std::string_view in = bytes;
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
  get(in, length);
  get(in, crc);
  if (length < kHead || length > kMostRecord || length > in.size()) return false;
  in = in.substr(0, length);
  if (crc_of(in) != crc) return false;
  std::uint8_t kind = 0;
  get(in, kind);
  const bool charged = (kind & kCharged) != 0;
  if (charged && length < kHead + kChargeBytes) return false;
  record.kind = static_cast<RecordKind>(kind & ~kCharged);
  get(in, record.client);
  get(in, record.agent);
  get(in, record.worker);
  get(in, record.id);
  record.charge = {};
  if (charged) {
    get(in, record.charge.scope);
    get(in, record.charge.at);
    get(in, record.charge.amount);
  }
  record.json = in;
  bytes.remove_prefix(kFrame + length);
  return true;
}

std::optional<std::size_t> find_record(std::string_view bytes) {
  SpoolRecord record;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::string_view rest = bytes.substr(at);
    const std::size_t size = framed_size(rest);
    if (take_record(rest, record)) return at;
    if (size == 0) break;
    at += size;
  }
  return std::nullopt;
}

bool looks_torn(std::string_view bytes, std::size_t in_sector) {
  return may_be_torn(bytes, in_sector) && !holds_a_record(bytes);
}

}  // namespace deployclaw::egress

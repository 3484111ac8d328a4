#include "dns/message.hpp"

#include <array>
#include <string_view>

#include "dns/host_name.hpp"

namespace deployclaw::dns {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxNameBytes = 255;  // on the wire, RFC 1035 §2.3.4
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::uint16_t kTypeOpt = 41;
// What we offer to receive; the size DNS Flag Day 2020 recommends. Nothing longer ever comes.
constexpr std::uint16_t kOfferedUdpBytes = 1232;

// Header bits (RFC 1035 §4.1.1, RFC 4035 §3.2).
constexpr std::uint16_t kResponseBit = 0x8000;
constexpr std::uint16_t kOpcodeMask = 0x7800;
constexpr std::uint16_t kTruncatedBit = 0x0200;
constexpr std::uint16_t kRecursionDesiredBit = 0x0100;
constexpr std::uint16_t kRecursionAvailableBit = 0x0080;
constexpr std::uint16_t kCheckingDisabledBit = 0x0010;

// Reads a message from front to back; after a read beyond the end good() is false for ever.
class Reader {
 public:
  explicit Reader(std::span<const unsigned char> data) : data_(data) {}

  std::uint8_t u8() {
    if (at_ >= data_.size()) {
      good_ = false;
      return 0;
    }
    return data_[at_++];
  }
  std::uint16_t u16() {
    const auto high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view take(std::size_t size) {
    if (size > data_.size() - at_) {
      good_ = false;
      return {};
    }
    const auto* start = reinterpret_cast<const char*>(data_.data() + at_);
    at_ += size;
    return {start, size};
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return at_ == data_.size(); }

 private:
  std::span<const unsigned char> data_;
  std::size_t at_ = 0;
  bool good_ = true;
};

std::unexpected<Error> malformed(std::string why) {
  return fail(Code::kMalformed, "DNS query: " + std::move(why));
}

// The name's labels joined by dots, as sent. A label may hold any byte, also a dot: then the text
// is not the name, and what the caller makes of it must not pass for one; hence nullopt.
Result<std::optional<std::string>> read_name(Reader& in) {
  std::string text;
  bool is_text = true;
  const auto start = in.at();
  for (;;) {
    const auto length = in.u8();
    if (!in.good()) return malformed("the name is cut off");
    if (length == 0) break;
    if (length > kMaxLabelBytes) return malformed("a compressed or unknown label");
    const auto label = in.take(length);
    if (!in.good()) return malformed("the name is cut off");
    // The root's own byte is still to come.
    if (in.at() - start + 1 > kMaxNameBytes) return malformed("the name is too long");
    if (label.find('.') != std::string_view::npos) is_text = false;
    if (!text.empty()) text += '.';
    text += label;
  }
  if (!is_text) return std::nullopt;
  return text;
}

// The OPT pseudo record, RFC 6891 §6.1.2: root name, type, size, extended code and flags, options.
Status read_opt(Reader& in, Query& query) {
  if (in.u8() != 0) return malformed("an additional record that is not OPT");
  if (in.u16() != kTypeOpt) return malformed("an additional record that is not OPT");
  in.u16();  // their size: no answer of ours is ever larger than anyone's least
  const auto extended = in.u32();
  in.take(in.u16());
  if (!in.good()) return malformed("the OPT record is cut off");
  query.edns = true;
  query.edns_version = static_cast<std::uint8_t>(extended >> 16);
  return {};
}

void put16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<unsigned char>(value >> 8));
  out.push_back(static_cast<unsigned char>(value));
}

void put32(Bytes& out, std::uint32_t value) {
  put16(out, static_cast<std::uint16_t>(value >> 16));
  put16(out, static_cast<std::uint16_t>(value));
}

void put_opt(Bytes& out, ResponseCode code) {
  out.push_back(0);
  put16(out, kTypeOpt);
  put16(out, kOfferedUdpBytes);
  out.push_back(static_cast<unsigned char>(static_cast<unsigned>(code) >> 4));
  out.push_back(0);  // version
  put16(out, 0);     // flags
  put16(out, 0);     // no options
}

Bytes begin_answer(const Query& query, ResponseCode code, std::uint16_t answers) {
  auto flags = static_cast<std::uint16_t>(kResponseBit | kRecursionAvailableBit |
                                          (static_cast<unsigned>(code) & 0xF));
  if (query.recursion_desired) flags |= kRecursionDesiredBit;
  if (query.checking_disabled) flags |= kCheckingDisabledBit;
  Bytes out;
  out.reserve(kMaxAnswerBytes);
  put16(out, query.id);
  put16(out, flags);
  put16(out, 1);
  put16(out, answers);
  put16(out, 0);
  put16(out, query.edns ? 1 : 0);
  out.insert(out.end(), query.question.begin(), query.question.end());
  return out;
}

}  // namespace

Result<Query> parse_query(std::span<const unsigned char> message) {
  if (message.size() > kMaxQueryBytes) return malformed("too long");
  Reader in(message);
  Query query;
  query.id = in.u16();
  const auto flags = in.u16();
  const std::array<std::uint16_t, 4> counts = {in.u16(), in.u16(), in.u16(), in.u16()};
  if (!in.good()) return malformed("no whole header");
  if ((flags & kResponseBit) != 0) return malformed("a response");
  if ((flags & kOpcodeMask) != 0) return fail(Code::kUnsupported, "DNS query: unknown opcode");
  if ((flags & kTruncatedBit) != 0) return malformed("truncated");
  if (counts[0] != 1 || counts[1] != 0 || counts[2] != 0 || counts[3] > 1) {
    return malformed("not one question alone");
  }
  query.recursion_desired = (flags & kRecursionDesiredBit) != 0;
  query.checking_disabled = (flags & kCheckingDisabledBit) != 0;
  const auto name = read_name(in);
  if (!name) return fail(name.error());
  if (*name) query.host = canonical_host(**name);
  query.type = in.u16();
  query.query_class = in.u16();
  if (!in.good()) return malformed("the question is cut off");
  const auto question = message.subspan(kHeaderBytes, in.at() - kHeaderBytes);
  query.question.assign(question.begin(), question.end());
  if (counts[3] == 1) {
    if (auto read = read_opt(in, query); !read) return fail(read.error());
  }
  if (!in.at_end()) return malformed("bytes left over");
  return query;
}

Bytes build_answer(const Query& query, ResponseCode code) {
  auto out = begin_answer(query, code, 0);
  if (query.edns) put_opt(out, code);
  return out;
}

Bytes build_answer(const Query& query, boost::asio::ip::address_v4 address, std::uint32_t seconds) {
  auto out = begin_answer(query, ResponseCode::kNoError, 1);
  put16(out, 0xC000 | kHeaderBytes);  // the name of the question, RFC 1035 §4.1.4
  put16(out, kTypeA);
  put16(out, kClassInternet);
  put32(out, seconds);
  put16(out, 4);
  put32(out, address.to_uint());
  if (query.edns) put_opt(out, ResponseCode::kNoError);
  return out;
}

std::optional<Bytes> build_refusal(std::span<const unsigned char> message, ResponseCode code) {
  if (message.size() < kHeaderBytes) return std::nullopt;
  Reader in(message);
  const auto id = in.u16();
  const auto flags = in.u16();
  if ((flags & kResponseBit) != 0) return std::nullopt;
  Bytes out;
  put16(out, id);
  put16(out,
        static_cast<std::uint16_t>(kResponseBit | (flags & (kOpcodeMask | kRecursionDesiredBit)) |
                                   (static_cast<unsigned>(code) & 0xF)));
  out.resize(kHeaderBytes, 0);  // no question, no records
  return out;
}

}  // namespace deployclaw::dns

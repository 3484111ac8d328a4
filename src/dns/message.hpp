#pragma once

#include <boost/asio/ip/address_v4.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "base/result.hpp"

// The DNS messages that a server needs which answers by itself (RFC 1035 §4, EDNS0 RFC 6891). Pure,
// O(n) in at most 512 bytes; no part of a query is ever followed by pointer.
namespace deployclaw::dns {

// A query larger than this is malformed: one question and EDNS0 options need far less.
inline constexpr std::size_t kMaxQueryBytes = 512;
// No answer of this module is larger, so none is ever truncated (RFC 1035 §4.2.1).
inline constexpr std::size_t kMaxAnswerBytes = 512;

inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeAaaa = 28;
inline constexpr std::uint16_t kClassInternet = 1;

enum class ResponseCode : std::uint8_t {
  kNoError = 0,
  kFormatError = 1,
  kServerFailure = 2,
  kNoSuchName = 3,  // NXDOMAIN
  kNotImplemented = 4,
  kRefused = 5,
  kBadVersion = 16  // EDNS versions but 0 (RFC 6891 §6.1.3)
};

struct Query {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  // Canonical (dns/host_name.hpp); nullopt when the name asked for is no host name.
  std::optional<std::string> host;
  std::uint16_t type = 0;
  std::uint16_t query_class = 0;
  Bytes question;  // as it came, in the sender's own upper and lower case: it is echoed
  bool edns = false;
  std::uint8_t edns_version = 0;
};

// Reads one query. kMalformed: shorter than a header, over kMaxQueryBytes, a response, truncated,
// not exactly one question, records other than one OPT, a compressed or overlong name, bytes left
// over. kUnsupported: an opcode other than QUERY.
Result<Query> parse_query(std::span<const unsigned char> message);

// An answer to `query` without records.
Bytes build_answer(const Query& query, ResponseCode code);
// An answer of one A record; `seconds` is its time to live.
Bytes build_answer(const Query& query, boost::asio::ip::address_v4 address, std::uint32_t seconds);
// The answer to what parse_query() refused: the header alone, echoing the id. nullopt when the
// bytes are no query at all (no whole header, or a response): those get no answer, or two servers
// could talk to each other for ever.
std::optional<Bytes> build_refusal(std::span<const unsigned char> message, ResponseCode code);

}  // namespace deployclaw::dns

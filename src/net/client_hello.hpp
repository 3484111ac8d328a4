#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deployclaw::net {

// More than this is refused: a ClientHello of a sane client has 200 to 2,000 bytes.
inline constexpr std::size_t kMaxClientHello = 16UL * 1024;

// What a TLS client says first and in the clear (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301 §3.1).
struct ClientHello {
  // Lower-case DNS name of letters, digits and hyphens; empty when the client names none.
  std::string server_name;
  std::vector<std::string> alpn;  // in the client's order; printable ASCII names only
  bool has_ech = false;           // Encrypted Client Hello, be it real or GREASE
};

struct ClientHelloPeek {
  enum class State : std::uint8_t {
    kNeedsMore,  // well-formed as far as it goes: come back with at least `needs` bytes
    kNotTls,     // the first byte does not begin a TLS handshake
    kRefused,    // it begins one, but `reason` says why it is not to be trusted
    kHello,
  };
  State state = State::kNeedsMore;
  std::size_t needs = 1;    // kNeedsMore: bytes in all, a lower bound, never above kMaxClientHello
  const char* reason = "";  // kRefused
  ClientHello hello;        // kHello
};

// Reads the beginning of a stream, however many records the ClientHello is split over. `bytes` is
// everything so far; what follows the ClientHello is ignored. Strict: repeated extensions, lengths
// that do not add up, more than one name, a name that is not a DNS name (an IP address, a trailing
// dot) are refused. Pure, O(n), allocates no more than kMaxClientHello.
ClientHelloPeek peek_client_hello(std::string_view bytes);

}  // namespace deployclaw::net

#include <cstdint>
#include <cstdlib>

#include "crypto/certificates.hpp"
#include "net/client_hello.hpp"

namespace {
using deployclaw::net::ClientHelloPeek;
using State = ClientHelloPeek::State;

// However much has come, what was said of less must still hold.
void check_prefix(std::string_view bytes, std::size_t size, const ClientHelloPeek& whole) {
  const ClientHelloPeek part = deployclaw::net::peek_client_hello(bytes.substr(0, size));
  if (part.state == State::kNeedsMore) {
    if (part.needs <= size || part.needs > deployclaw::net::kMaxClientHello) std::abort();
    return;
  }
  if (part.state != whole.state) std::abort();
  if (part.hello.server_name != whole.hello.server_name) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ClientHelloPeek peek = deployclaw::net::peek_client_hello(bytes);
  const std::string& name = peek.hello.server_name;
  if (!name.empty() && !deployclaw::crypto::is_certificate_host(name)) std::abort();
  if (peek.state != State::kHello && (!name.empty() || !peek.hello.alpn.empty())) std::abort();
  for (const std::size_t part : {std::size_t{0}, size / 3, size / 2, size - size / 8}) {
    check_prefix(bytes, part, peek);
  }
  return 0;
}

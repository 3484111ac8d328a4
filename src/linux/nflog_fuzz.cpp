// Hostile packets in the kernel's log, and log datagrams as a whole: never crashes, never reads
// beyond the end, and the same bytes read the same wherever they lie.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "linux/nflog.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace deployclaw::linux;
  const std::span<const unsigned char> bytes(data, size);
  if (const auto packet = read_packet(bytes)) {
    check(packet->source.is_v4() == packet->destination.is_v4());
    check(size >= (packet->source.is_v4() ? 20U : 40U));
    // What is cut off can only hide, never alter.
    if (size > 64) {
      const auto cut = read_packet(bytes.first(64));
      check(cut && cut->source == packet->source && cut->destination == packet->destination);
      check(cut->destination_port == 0 || cut->destination_port == packet->destination_port);
    }
  }
  const auto whole = read_log_datagram(bytes);
  std::vector<unsigned char> shifted(size + 1);
  std::copy_n(data, size, shifted.begin() + 1);
  const auto again = read_log_datagram(std::span(shifted).subspan(1));
  check(whole.size() == again.size() && whole.size() <= size / 16);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    check(whole[i].prefix == again[i].prefix && whole[i].prefix.size() <= 127);
    check(whole[i].in_interface == again[i].in_interface);
  }
  return 0;
}

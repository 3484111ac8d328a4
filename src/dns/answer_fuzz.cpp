// Hostile DNS queries: never crashes, and whatever is answered is itself one whole answer to the
// question, echoed byte for byte.
#include <algorithm>
#include <cstdlib>

#include "dns/answer.hpp"
#include "dns/host_name.hpp"

namespace {

namespace dns = deployclaw::dns;

void check(bool holds) {
  if (!holds) std::abort();
}

bool is_response(const deployclaw::Bytes& bytes) {
  return bytes.size() >= 12 && bytes.size() <= dns::kMaxAnswerBytes && (bytes[2] & 0x80) != 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::span<const unsigned char> message(data, size);
  static dns::SyntheticAddresses addresses(16);
  static dns::LabelBudget budget(8);
  const dns::PatternAdmitting admitting = [](const std::string& host) {
    return host.size() % 2 == 0 ? std::optional<std::string>("*.example") : std::nullopt;
  };
  const auto query = dns::parse_query(message);
  const auto answered = dns::answer_query(message, admitting, addresses, budget, {});
  if (!query) {
    check(answered.finding == dns::Finding::kMalformed);
    check(answered.response.empty() || is_response(answered.response));
    return 0;
  }
  check(is_response(answered.response));
  check(answered.response[0] == data[0] && answered.response[1] == data[1]);
  check(std::equal(query->question.begin(), query->question.end(), answered.response.begin() + 12));
  if (query->host) check(dns::canonical_host(*query->host) == query->host);
  check(addresses.size() <= 16 && budget.counted().size() <= 8);
  return 0;
}

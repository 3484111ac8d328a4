#include "dns/answer.hpp"

#include <utility>

#include "dns/host_name.hpp"

namespace deployclaw::dns {
namespace {

Answered refuse_unreadable(std::span<const unsigned char> message, const Error& error) {
  const auto code =
      error.code == Code::kUnsupported ? ResponseCode::kNotImplemented : ResponseCode::kFormatError;
  auto response = build_refusal(message, code);
  return {.response = response ? std::move(*response) : Bytes{},
          .finding = Finding::kMalformed,
          .host = {},
          .pattern = {}};
}

Answered deny(const Query& query) {
  return {.response = build_answer(query, ResponseCode::kNoSuchName),
          .finding = Finding::kNotAdmitted,
          .host = query.host.value_or(""),
          .pattern = {}};
}

}  // namespace

Answered answer_query(std::span<const unsigned char> message, const PatternAdmitting& admitting,
                      SyntheticAddresses& addresses, LabelBudget& budget, Time now) {
  const auto query = parse_query(message);
  if (!query) return refuse_unreadable(message, query.error());
  Answered answered;
  if (query->edns_version != 0) {
    answered.response = build_answer(*query, ResponseCode::kBadVersion);
    return answered;
  }
  if (query->query_class != kClassInternet) {
    answered.response = build_answer(*query, ResponseCode::kRefused);
    return answered;
  }
  if (!query->host || is_never_resolved(*query->host)) return deny(*query);
  auto pattern = admitting(*query->host);
  if (!pattern) return deny(*query);
  answered.host = *query->host;
  answered.pattern = std::move(*pattern);
  if (!budget.admit(answered.pattern, answered.host, now)) {
    answered.finding = Finding::kBudgetUsedUp;
    answered.response = build_answer(*query, ResponseCode::kRefused);
    return answered;
  }
  if (query->type == kTypeA) {
    const auto address = addresses.address_of(answered.host);
    answered.response = build_answer(*query, address, kSyntheticSeconds);
  } else {
    answered.response = build_answer(*query, ResponseCode::kNoError);
  }
  return answered;
}

}  // namespace deployclaw::dns

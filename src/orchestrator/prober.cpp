#include "orchestrator/prober.hpp"

#include <utility>

#include "net/http_client.hpp"

namespace deployclaw::orchestrator {
namespace {

constexpr std::size_t kMostAnswerBytes = 64 * 1024;

std::string in_words(const Error& error) {
  switch (error.code) {
    case Code::kTimeout:
      return "no answer in time";
    case Code::kUnavailable:
      return "connection refused or broken";
    case Code::kTooLarge:
      return "the answer is too long";
    default:
      return "the answer is not HTTP";
  }
}

class HttpProber final : public Prober {
 public:
  HttpProber(const Clock& clock, std::chrono::milliseconds timeout)
      : clock_(clock), timeout_(timeout) {}

  Task<std::vector<CheckResult>> probe(runtimes::Probe probe, std::string address) override {
    const std::pair<const char*, const runtimes::HttpCheck*> checks[] = {
        {"live", &probe.live}, {"started", &probe.started}, {"ready", &probe.ready}};
    std::vector<CheckResult> results;
    for (const auto& [name, check] : checks) {
      CheckResult result{.name = name, .detail = {}, .at = clock_.now()};
      if (!results.empty() && !results.front().ok) {
        result.detail = results.front().detail;  // it would only time out again
      } else {
        co_await ask(probe, *check, address, result);
      }
      results.push_back(std::move(result));
    }
    co_return results;
  }

 private:
  Task<void> ask(const runtimes::Probe& probe, const runtimes::HttpCheck& check,
                 const std::string& address, CheckResult& result) {
    net::ClientRequest request{.target = check.path, .max_response_bytes = kMostAnswerBytes};
    for (const auto& [name, value] : probe.headers) request.headers.add(name, value);
    auto endpoint = net::Endpoint::tcp(address, probe.port);
    const auto answer = co_await net::fetch(std::move(endpoint), std::move(request), timeout_);
    if (!answer) {
      result.detail = check.path + ": " + in_words(answer.error());
      co_return;
    }
    result.ok = check.holds(static_cast<unsigned>(answer->status), answer->body);
    result.detail = check.path + " answered " + std::to_string(answer->status);
    if (!result.ok && answer->status == 200) result.detail += " with an unexpected body";
  }

  const Clock& clock_;
  const std::chrono::milliseconds timeout_;
};

}  // namespace

std::unique_ptr<Prober> make_http_prober(const Clock& clock, std::chrono::milliseconds timeout) {
  return std::make_unique<HttpProber>(clock, timeout);
}

}  // namespace deployclaw::orchestrator

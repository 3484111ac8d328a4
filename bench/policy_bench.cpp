// ./dev bench policy: CPU of one warm decision (rules, windows and a reservation) at 1,000 agents
// with 200 allowed domains each, and the memory of policies and catalogue. Writes the result as
// JSON to the file named by the first argument; the second is the folder of the catalogue.

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "egress/ledger.hpp"
#include "services/policy.hpp"

namespace {

using namespace deployclaw;

constexpr std::size_t kAgents = 1000;
constexpr std::size_t kRules = 200;
constexpr std::size_t kDecisions = 20'000;

double cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (static_cast<double>(now.tv_sec) * 1e6) + (static_cast<double>(now.tv_nsec) / 1e3);
}

std::size_t heap() { return mallinfo2().uordblks; }

struct Figure {
  std::string metric;
  double ours = 0;
  double target = 0;
};

std::string host_of(std::size_t rule) { return fmt::format("api-{}.example.com", rule); }

}  // namespace

int main(int argc, char** argv) {
  const auto empty = heap();
  const auto catalogue = services::Catalogue::load(argc > 2 ? argv[2] : "catalog");
  if (!catalogue) {
    fmt::print(stderr, "policy_bench: {}\n", catalogue.error().message);
    return 1;
  }
  const auto with_catalogue = heap();

  domain::Permissions permissions;
  permissions.scopes = {"api:outbound"};
  for (std::size_t i = 0; i < kRules; ++i) permissions.allowed_domains.push_back(host_of(i));
  std::vector<services::AgentPolicy> policies;
  policies.reserve(kAgents);
  const auto before_policies = heap();
  for (std::size_t i = 0; i < kAgents; ++i) {
    auto policy = services::AgentPolicy::compile(*catalogue, permissions, {}, true, 1);
    if (!policy) {
      fmt::print(stderr, "policy_bench: {}\n", policy.error().message);
      return 1;
    }
    policies.push_back(std::move(*policy));
  }
  const auto with_policies = heap();

  egress::Ledger ledger;
  std::vector<AgentId> agents(kAgents);
  auto limits = domain::limits_of(permissions, "scale");
  limits.windows.fill({.per_hour = 1'000'000, .per_day = 1'000'000});
  for (auto& agent : agents) {
    agent = AgentId::random();
    ledger.set_limits(agent, limits);
    ledger.load(agent, {}, 0);
  }
  const auto scope = domain::scope_index("api:outbound").value_or(egress::kNoScope);
  std::vector<double> times;
  times.reserve(kDecisions);
  domain::Millis now = 1'750'000'000'000;
  std::size_t admitted = 0;
  for (std::size_t i = 0; i < kDecisions; ++i) {
    const auto at = (i * 7919) % kAgents;
    const auto host = host_of((i * 31) % kRules);
    const services::RequestFacts facts{.host = host, .method = "GET", .path = "/v1/things"};
    const egress::Ledger::Key key{1, i};
    const double before = cpu_us();
    const auto decision = policies[at].decide(facts);
    const auto ruling =
        ledger.judge(agents[at], key, {.scope = scope, .least = 10, .wanted = 20}, ++now);
    times.push_back(cpu_us() - before);
    if (decision.allowed && ruling.verdict == egress::Ledger::Verdict::kAdmitted) ++admitted;
    ledger.settle(agents[at], key, 1);
  }
  // The control: a host that is not allowed is refused, and everything else was not.
  const services::RequestFacts foreign{
      .host = "elsewhere.example.net", .method = "GET", .path = "/"};
  if (admitted != kDecisions || policies[0].decide(foreign).allowed) {
    fmt::print(stderr, "policy_bench: {} of {} were admitted\n", admitted, kDecisions);
    return 1;
  }
  std::ranges::sort(times);
  const std::vector<Figure> figures = {
      {"one decision with windows and reservation (us CPU, median)", times[kDecisions / 2], 20},
      {"an agent's policy of 200 rules (bytes)",
       static_cast<double>(with_policies - before_policies) / kAgents, 8192},
      {"the compiled catalogue (MB)", static_cast<double>(with_catalogue - empty) / 1e6, 5}};
  std::string out;
  for (const auto& [metric, ours, target] : figures) {
    const bool holds = ours <= target;
    fmt::print("  {}: {:.2f}, target <= {} {}\n", metric, ours, target, holds ? "holds" : "MISSED");
    out += fmt::format(
        "{}{{\"metric\": \"{}\", \"ours\": {:.4f}, \"peer\": {}, \"ratio\": {:.4f}, "
        "\"target\": \"<= {}\", \"holds\": {}}}",
        out.empty() ? "[" : ", ", metric, ours, target, ours / target, target, holds);
  }
  if (argc > 1) std::ofstream(argv[1]) << out << "]\n";
  return 0;
}

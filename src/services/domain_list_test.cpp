#include "services/domain_list.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "services/policy_state.hpp"

namespace deployclaw::services {
namespace {

using Domains = std::vector<domain::AllowedDomain>;

// What the list means, said plainly: the entries one by one, in the customer's order.
template <class Fits>
std::optional<std::string> plain(const Domains& domains, Fits fits) {
  for (const auto& one : domains) {
    if (fits(one)) return "domain:" + one.to_string();
  }
  return std::nullopt;
}

std::optional<std::string> id_of(const std::optional<DomainList::Entry>& entry) {
  if (!entry) return std::nullopt;
  return std::string(entry->id);
}

Domains read(const std::vector<std::string>& texts) {
  Domains out;
  for (const auto& text : texts) out.push_back(domain::allowed_domain(text).value());
  return out;
}

// Few labels, so that names meet, end alike without being below one another, and repeat.
rc::Gen<std::string> a_name() {
  const auto label = rc::gen::element<std::string>("a", "b", "ab", "a-b", "com", "example");
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(label), [](auto labels) {
    std::string out = "example.com";
    for (const auto& one : labels) out = out.size() < 60 ? one + "." + out : out;
    return out;
  });
}

rc::Gen<domain::AllowedDomain> a_domain() {
  const auto port = rc::gen::element<std::optional<std::uint16_t>>(
      std::nullopt, std::nullopt, std::uint16_t{443}, std::uint16_t{587}, std::uint16_t{65535});
  return rc::gen::apply(
      [](const std::string& name, bool below, std::optional<std::uint16_t> on) {
        return domain::AllowedDomain{.pattern = (below ? "*." : "") + name, .port = on};
      },
      a_name(), rc::gen::arbitrary<bool>(), port);
}

// A host near the list: of it, below it, above it, or spoilt.
rc::Gen<std::string> a_host(const Domains& domains) {
  auto names = rc::gen::map(rc::gen::elementOf(domains), [](const domain::AllowedDomain& one) {
    return one.pattern.substr(one.pattern.starts_with("*.") ? 2 : 0);
  });
  return rc::gen::apply(
      [](std::string name, int bend) {
        if (bend == 0) return "." + name;
        if (bend == 1) return name + ".";
        if (bend == 2) return "x" + name;
        if (bend == 3) return name.substr(name.find('.') + 1);
        if (bend == 4) return "a.." + name;
        if (bend < 8) return "a." + name;
        return name;
      },
      rc::gen::oneOf(std::move(names), a_name()), rc::gen::inRange(0, 12));
}

RC_GTEST_PROP(DomainList, MeansWhatItsEntriesMean, ()) {
  const auto domains = *rc::gen::nonEmpty(rc::gen::container<Domains>(a_domain()));
  const DomainList list(domains);
  const auto hosts = *rc::gen::container<std::vector<std::string>>(20, a_host(domains));
  const auto port = *rc::gen::element<std::uint16_t>(80, 443, 587, 25, 65535);
  for (const auto& host : hosts) {
    const auto named = [&](const domain::AllowedDomain& one) {
      return domain::host_matches(one.pattern, host);
    };
    RC_ASSERT(id_of(list.find(host, port)) ==
              plain(domains, [&](const auto& one) { return one.admits(host, port); }));
    RC_ASSERT(id_of(list.find_on_any_port(host)) == plain(domains, named));
    RC_ASSERT(id_of(list.find_portless(host)) ==
              plain(domains, [&](const auto& one) { return !one.port && named(one); }));
  }
}

TEST(DomainList, TakesAnEntryApart) {
  const DomainList list(read({"*.example.com:8443", "api.example.com"}));
  const auto below = list.find("x.example.com", 8443);
  ASSERT_TRUE(below);
  EXPECT_EQ(below->id, "domain:*.example.com:8443");
  EXPECT_EQ(below->pattern, "*.example.com");
  EXPECT_EQ(below->port, 8443);
  const auto exact = list.find("api.example.com", 443);
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->id, "domain:api.example.com");
  EXPECT_EQ(exact->pattern, "api.example.com");
  EXPECT_FALSE(exact->port);
  EXPECT_FALSE(list.find("x.example.com", 443));
  EXPECT_FALSE(list.find("example.com", 8443));
}

TEST(DomainList, OfSeveralThatFitTheFirstCounts) {
  const auto first_of = [](const std::vector<std::string>& texts) {
    return id_of(DomainList(read(texts)).find("a.b.example.com", 443)).value_or("");
  };
  EXPECT_EQ(first_of({"*.example.com", "a.b.example.com"}), "domain:*.example.com");
  EXPECT_EQ(first_of({"a.b.example.com", "*.example.com"}), "domain:a.b.example.com");
  EXPECT_EQ(first_of({"*.example.com:587", "*.b.example.com", "*.example.com"}),
            "domain:*.b.example.com");
}

TEST(DomainList, AnEmptyOneKnowsNothing) {
  EXPECT_FALSE(DomainList().find("example.com", 443));
  EXPECT_FALSE(DomainList(Domains{}).find_on_any_port(""));
  EXPECT_FALSE(DomainList(Domains{}).find_portless("example.com"));
}

// What one agent's compiled permissions take beside the catalogue, which all share.
TEST(DomainList, APolicyOf200DomainsTakesAtMost8KiB) {
  Domains domains;
  for (int i = 0; i < 200; ++i) {
    domains.push_back({.pattern = fmt::format("api-{:03}.example.com", i), .port = {}});
  }
  const DomainList list(domains);
  EXPECT_GT(list.memory(), 200U * 20) << "the names themselves are counted";
  EXPECT_LE(list.memory() + sizeof(AgentPolicy::State), 8192U);
}

}  // namespace
}  // namespace deployclaw::services

// The invariant of the whole catalogue: wherever a secret can be injected, a rule decided; what no
// rule knows is denied. Random requests near and far from the rules, for every kind and host.
#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <set>

#include "domain/names.hpp"
#include "http/canonical_target.hpp"
#include "http/url.hpp"
#include "services/policy.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services {
namespace {

constexpr std::array<std::string_view, 14> kMethods = {
    "GET",   "HEAD", "POST", "PUT",   "PATCH",    "DELETE", "OPTIONS",
    "TRACE", "get",  "BREW", "QUERY", "PROPFIND", "Post",   "CONNECT"};

class RandomRequests {
 public:
  explicit RandomRequests(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  std::string_view method() { return kMethods[below(kMethods.size())]; }

  // A path that a rule of `host` matches, mostly, then bent a little, sometimes.
  std::string path(const HostEntry& host) {
    const auto& pattern = *host.rules[below(host.rules.size())].path;
    std::string text;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const auto segment = pattern.segment(i);
      using Kind = PathPattern::Segment::Kind;
      if (segment.kind == Kind::kRest) {
        for (auto more = below(3); more > 0; --more) text += "/x" + std::to_string(below(5));
        continue;
      }
      text += "/";
      text += segment.prefix;
      if (segment.kind != Kind::kLiteral) text += "id" + std::to_string(below(100));
      text += segment.suffix;
    }
    if (text.empty()) text = "/";
    return below(3) == 0 ? bent(std::move(text)) : text;
  }

  std::string host(const std::string& pattern) {
    return pattern.starts_with("*.") ? "h" + std::to_string(below(9)) + pattern.substr(1) : pattern;
  }

  // Another spelling of a path: escapes, dots, empty segments, parameters, case. What servers may
  // take for the same.
  std::string respelt(std::string text) {
    for (auto times = 1 + below(3); times > 0; --times) {
      const auto at = below(text.size());
      const auto slash = text.rfind('/', at);
      constexpr std::array<std::string_view, 8> kBeside = {"/./",      "//",   "/x/../", "/%2e/",
                                                           "/%2E%2e/", "/;a/", "/..;/",  "/%2F"};
      switch (below(4)) {
        case 0: {
          constexpr std::string_view kHex = "0123456789abcdef0123456789ABCDEF";
          const auto byte = static_cast<unsigned char>(text[at]);
          const auto base = 16 * below(2);
          text.replace(at, 1, std::string("%") + kHex[base + byte / 16] + kHex[base + byte % 16]);
          break;
        }
        case 1:
          text.replace(slash, 1, kBeside[below(kBeside.size())]);
          break;
        case 2:
          text.insert(at, below(2) == 0 ? "%25" : "%00");
          break;
        default:
          text[at] =
              static_cast<char>(below(2) == 0 ? std::toupper(text[at]) : std::tolower(text[at]));
      }
      if (!text.starts_with('/')) text.insert(0, "/");
    }
    return text;
  }

 private:
  std::string bent(std::string text) {
    switch (below(5)) {
      case 0:
        return text + "/";
      case 1:
        return text + "/more";
      case 2:
        return "/x" + text;
      case 3:
        text[below(text.size())] = 'Q';
        return text.starts_with('/') ? text : "/" + text;
      default:
        return text.substr(0, 1 + below(text.size()));
    }
  }
  std::mt19937 random_;
};

// Every rule that knows the request, found without the index and its order.
std::vector<const Rule*> rules_that_match(const Catalogue& catalogue, const RequestFacts& facts,
                                          const std::string& pattern) {
  std::vector<const Rule*> found;
  const http::PathSegments segments(facts.path);
  for (const auto& service : catalogue.services()) {
    for (const auto& rule : service.rules) {
      if (std::ranges::find(rule.hosts, pattern) == rule.hosts.end()) continue;
      if ((rule.methods & method_bit(facts.method)) == 0) continue;
      if (rule.websocket != facts.websocket) continue;
      for (const auto& path : rule.paths) {
        Captures captures;
        if (path.matches(segments.all(), captures)) found.push_back(&rule);
      }
    }
  }
  return found;
}

std::vector<AgentCredential> one_of_each(const Catalogue& catalogue) {
  std::vector<AgentCredential> credentials;
  for (const auto* kind : catalogue.kinds()) {
    auto hosts = kind->hosts;
    // A generic one that the customer bound to the whole catalogue.
    if (hosts.empty()) {
      for (const auto& service : catalogue.services()) {
        hosts.insert(hosts.end(), service.hosts.begin(), service.hosts.end());
      }
    }
    credentials.push_back({.name = kind->name,
                           .kind = kind->name,
                           .hosts = std::move(hosts),
                           .placeholder = "placeholder-" + kind->name + "-0123456789abcdef"});
  }
  return credentials;
}

AgentPolicy random_policy(const Catalogue& catalogue, RandomRequests& random) {
  domain::Permissions permissions;
  for (const auto scope : domain::kScopes) {
    if (random.below(2) == 0) permissions.scopes.emplace_back(scope);
  }
  permissions.allowed_domains = {"www.googleapis.com", "*.discord.gg", "graph.microsoft.com"};
  auto policy =
      AgentPolicy::compile(catalogue, permissions, one_of_each(catalogue), true, random.below(9));
  if (!policy) throw std::runtime_error(policy.error().message);
  return std::move(*policy);
}

void check(const AgentPolicy& policy, const RequestFacts& facts, const HostEntry& entry) {
  const auto decision = policy.decide(facts);
  const auto matching = rules_that_match(policy.catalogue(), facts, entry.pattern);
  const auto where = std::string(facts.method) + " " + std::string(facts.host) +
                     std::string(facts.path) + " -> " + std::string(decision.rule);
  if (!decision.allowed) {
    ASSERT_TRUE(decision.injections.empty()) << where;
    ASSERT_NE(decision.layer, Layer::kNone) << where;
    ASSERT_FALSE(decision.reason.empty()) << where;
  }
  if (matching.empty()) {
    ASSERT_FALSE(decision.allowed) << where;
    return;
  }
  const auto decided = std::ranges::find(matching, decision.rule, &Rule::id);
  ASSERT_NE(decided, matching.end()) << where;
  const bool refused =
      std::ranges::any_of(matching, [](const auto* rule) { return rule->grant == Grant::kDeny; });
  ASSERT_FALSE(refused && decision.allowed) << where << ": a refusal wins";
  ASSERT_TRUE(!decision.allowed || policy.admits_name(facts.host, facts.port)) << where;
  for (const auto& injection : decision.injections) {
    const auto* kind = policy.catalogue().find_kind(injection.credential->kind);
    ASSERT_TRUE(kind->hosts_required() || kind->service == decision.service) << where;
    ASSERT_TRUE(std::ranges::any_of(injection.credential->hosts, [&](const auto& pattern) {
      return domain::host_matches(pattern, facts.host);
    })) << where;
  }
}

TEST(PolicyInvariant, WhereASecretCanGoARuleDecides) {
  const auto& catalogue = testing::project_catalogue();
  RandomRequests random(3);
  int allowed = 0;
  int injected = 0;
  std::optional<AgentPolicy> policy;
  for (const auto* kind : catalogue.kinds()) {
    for (const auto& pattern : kind->hosts) {
      for (int i = 0; i < 600; ++i) {
        if (i % 50 == 0) policy = random_policy(catalogue, random);
        const auto host = random.host(pattern);
        const auto* entry = catalogue.find_host(host);
        ASSERT_NE(entry, nullptr) << host << ": a secret could go where nothing decides";
        const auto path = random.path(*entry);
        RequestFacts facts{.host = host, .method = random.method(), .path = path};
        facts.websocket = random.below(4) == 0;
        check(*policy, facts, *entry);
        if (HasFatalFailure()) return;
        const auto decision = policy->decide(facts);
        allowed += decision.allowed ? 1 : 0;
        injected += decision.injections.empty() ? 0 : 1;
      }
    }
  }
  EXPECT_GT(allowed, 500);
  EXPECT_GT(injected, 500);
}

// A path of this pattern, with something in the place of each capture.
std::string path_for(const PathPattern& pattern) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const auto segment = pattern.segment(i);
    const bool literal = segment.kind == PathPattern::Segment::Kind::kLiteral;
    text.append("/").append(segment.prefix);
    if (!literal) text.append("zz9").append(segment.suffix);
  }
  return text;
}

// A path of each pattern of the whole catalogue, and others.
std::vector<std::string> every_path(const Catalogue& catalogue) {
  std::set<std::string> paths = {"/", "/batch", "/batch/x", "/graphql", "/v1/unknown"};
  for (const auto& service : catalogue.services()) {
    for (const auto& rule : service.rules) {
      for (const auto& path : rule.paths) {
        const std::string text = path_for(path);
        paths.insert(text);
        paths.insert(text + "/more");
      }
    }
  }
  return {paths.begin(), paths.end()};
}

// Exhaustive where it can be: every host that any credential may go to × every method × every path
// that any service has, on the right host and on all others.
TEST(PolicyInvariant, EveryHostMethodAndPathIsDecidedByARule) {
  const auto& catalogue = testing::project_catalogue();
  RandomRequests random(5);
  const auto policy = random_policy(catalogue, random);
  const auto paths = every_path(catalogue);
  std::set<std::string> hosts;
  for (const auto* kind : catalogue.kinds()) hosts.insert(kind->hosts.begin(), kind->hosts.end());
  ASSERT_GT(hosts.size(), 20U);
  for (const auto& pattern : hosts) {
    const auto host = random.host(pattern);
    const auto* entry = catalogue.find_host(host);
    ASSERT_NE(entry, nullptr) << host << ": a secret could go where nothing decides";
    for (const auto method : kMethods) {
      // A third of the paths with each method: all of them with some.
      for (auto i = random.below(3); i < paths.size(); i += 3) {
        RequestFacts facts{.host = host, .method = method, .path = paths[i]};
        facts.websocket = method == "GET" && random.below(8) == 0;
        check(policy, facts, *entry);
        if (HasFatalFailure()) return;
        if (method_bit(method) == 0) ASSERT_FALSE(policy.decide(facts).allowed) << method;
      }
    }
  }
}

// However a request is spelt: it is refused, or it is decided as what it is.
TEST(PolicyInvariant, NoSpellingEscapesTheRules) {
  const auto& catalogue = testing::project_catalogue();
  RandomRequests random(7);
  const auto policy = random_policy(catalogue, random);
  int read = 0;
  int same = 0;
  for (const auto* kind : catalogue.kinds()) {
    for (const auto& pattern : kind->hosts) {
      const auto host = random.host(pattern);
      const auto& entry = *catalogue.find_host(host);
      for (int i = 0; i < 400; ++i) {
        const auto plain = random.path(entry);
        std::string upper = host;
        for (char& c : upper) c = static_cast<char>(random.below(2) == 0 ? std::toupper(c) : c);
        const auto url =
            "https://" + upper + (random.below(2) == 0 ? "." : "") + random.respelt(plain);
        const auto target = http::canonical_target(url);
        if (!target) continue;
        ++read;
        ASSERT_EQ(target->authority->host, host) << url;
        RequestFacts facts{.host = target->authority->host, .method = "GET", .path = target->path};
        check(policy, facts, entry);
        if (HasFatalFailure()) return;
        // The canonical form is a fixed point: what goes upstream is what was decided upon.
        const auto again = http::canonical_target(target->path);
        ASSERT_TRUE(again) << url;
        ASSERT_EQ(again->path, target->path) << url;
        // What a server would take for the plain path has the plain path's verdict.
        const auto decoded = http::percent_decode(target->path);
        if (!decoded || *decoded != plain) continue;
        ++same;
        const auto canonical = http::canonical_target(plain);
        if (!canonical) continue;
        RequestFacts plain_facts{.host = host, .method = "GET", .path = canonical->path};
        ASSERT_EQ(policy.decide(facts).rule, policy.decide(plain_facts).rule) << url;
      }
    }
  }
  EXPECT_GT(read, 2000);
  EXPECT_GT(same, 500);
}

// Outside of the catalogue a secret goes to allowed domains only, over TLS only.
TEST(PolicyInvariant, AGenericSecretGoesWhereADomainIsAllowed) {
  const auto& catalogue = testing::project_catalogue();
  RandomRequests random(13);
  const std::vector<std::string> names = {"api.example.com",      "example.com",
                                          "a.b.example.com",      "evil-example.com",
                                          "example.com.evil.org", "other.org"};
  int injected = 0;
  for (int i = 0; i < 4000; ++i) {
    domain::Permissions permissions;
    if (random.below(4) != 0) permissions.scopes = {"api:outbound"};
    if (random.below(2) == 0) permissions.allowed_domains.emplace_back("*.example.com");
    if (random.below(2) == 0) permissions.allowed_domains.emplace_back("example.com:8443");
    if (random.below(2) == 0) permissions.allowed_domains.emplace_back("api.example.com");
    const auto policy =
        AgentPolicy::compile(catalogue, permissions,
                             {{.name = "g",
                               .kind = "generic",
                               .hosts = {"*.example.com", "example.com", "other.org"},
                               .placeholder = "placeholder-generic-0123456789abcdef"}},
                             true, 1);
    ASSERT_TRUE(policy);
    const auto& host = names[random.below(names.size())];
    constexpr std::array<std::uint16_t, 5> kPorts = {80, 443, 8443, 587, 25};
    RequestFacts facts{.host = host, .method = random.method(), .path = "/x"};
    facts.port = kPorts[random.below(kPorts.size())];
    facts.tls = random.below(3) != 0;
    const auto decision = policy->decide(facts);
    if (decision.injections.empty()) continue;
    ++injected;
    ASSERT_TRUE(decision.allowed && facts.tls) << host;
    ASSERT_TRUE(decision.rule.starts_with("domain:")) << decision.rule;
    ASSERT_TRUE(host.ends_with("example.com") && host != "evil-example.com") << host;
    const auto entry = domain::allowed_domain(decision.rule.substr(7));
    ASSERT_TRUE(entry && entry->admits(host, facts.port)) << decision.rule << " " << facts.port;
  }
  EXPECT_GT(injected, 100);
}

// With everything granted, each rule that is not a refusal allows what its own patterns describe.
TEST(PolicyInvariant, EveryRuleCanAllowSomething) {
  const auto& catalogue = testing::project_catalogue();
  domain::Permissions permissions;
  for (const auto scope : domain::kScopes) permissions.scopes.emplace_back(scope);
  const auto policy = AgentPolicy::compile(catalogue, permissions, one_of_each(catalogue), true, 1);
  ASSERT_TRUE(policy) << policy.error().message;
  for (const auto& service : catalogue.services()) {
    for (const auto& rule : service.rules) {
      bool reached = false;
      for (const auto& path : rule.paths) {
        const std::string text = path_for(path);
        for (const std::string_view method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
          if ((rule.methods & method_bit(method)) == 0) continue;
          auto host = rule.hosts.front();
          if (host.starts_with("*.")) host = "x" + host.substr(1);
          RequestFacts facts{.host = host, .method = method, .path = text};
          facts.websocket = rule.websocket;
          const auto decision = policy->decide(facts);
          // Of rules that several services share word for word, one stands for all.
          const auto name = [](std::string_view id) {
            return id.substr(std::min(id.find('/'), id.size()));
          };
          reached = reached || (name(decision.rule) == name(rule.id) &&
                                decision.allowed == (rule.grant != Grant::kDeny));
        }
      }
      EXPECT_TRUE(reached) << rule.where << " " << rule.id;
    }
  }
}

}  // namespace
}  // namespace deployclaw::services

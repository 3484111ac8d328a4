#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/resources.hpp"

namespace deployclaw::runtimes {

// Where a runtime's image comes from.
enum class ImageSource : std::uint8_t {
  kRecipe,   // built on this machine by images/<recipe>/build
  kAllowed,  // named by the customer in config.image, out of a list of the operator's
};

struct ImageSpec {
  ImageSource source = ImageSource::kRecipe;
  std::string name;                  // "deployclaw/openclaw"; the tag is <version>-<key>
  std::string recipe;                // folder below images/
  bool needs_archive = false;        // the recipe takes a release archive and its SHA-256
  std::vector<std::string> changes;  // Dockerfile instructions for the import: "USER 10001:10001"
  std::vector<std::string> allowed;  // for kAllowed: exact references
};

// One HTTP check. It holds when the answer is 200 and its JSON has every member of `expect` with an
// equal value (a status alone proves little: some servers answer 200 to any path).
struct HttpCheck {
  std::string path;
  boost::json::object expect;
  [[nodiscard]] bool holds(unsigned status, std::string_view body) const;
};

struct Probe {
  std::uint16_t port = 0;
  HttpCheck live;
  HttpCheck started;
  HttpCheck ready;
  std::vector<std::pair<std::string, std::string>> headers;  // sent with each check
};

// The agent's own page, reached through the platform's proxy alone. Each request to it carries
// `headers`; in their names ${page_key}, in their values ${gateway_token}, ${user} (an e-mail
// address) and
// ${public_origin} (the dashboard's) are filled in.
struct OwnPage {
  std::uint16_t port = 0;
  std::vector<std::pair<std::string, std::string>> headers;
};

// The config file that the platform writes into the state volume before each start, and what a
// customer may put into it.
struct ConfigFile {
  std::string path;                            // absolute, below state_path
  boost::json::object base;                    // the template; strings may hold ${placeholders}
  std::vector<std::string> allowed;            // top-level keys a customer may set; "*" is any
  std::map<std::string, std::string> refused;  // JSON pointer -> why it is the platform's
  std::size_t max_bytes = 256 * 1024;          // of the customer's config as JSON
};

// One kind of agent: catalog/runtimes/<name>.toml, checked. Immutable.
struct Runtime {
  std::string name;
  std::string title;
  std::string version;
  bool test_only = false;  // refused unless the operator enables test runtimes
  ImageSpec image;
  std::vector<std::string> command;                              // empty: the image's own
  std::vector<std::pair<std::string, std::string>> environment;  // values may hold ${placeholders}
  Probe probe;
  std::chrono::seconds deadline{180};     // from start to ready
  std::chrono::seconds stop_timeout{10};  // between SIGTERM and SIGKILL
  std::size_t parallel_starts = 4;        // so many may be starting at once on one machine
  domain::Resources default_resources;
  domain::Resources least_resources;
  std::string state_path;  // where the state volume is mounted, "/state"
  std::uint32_t uid = 10001;
  std::uint32_t gid = 10001;
  std::uint64_t tmpfs_mb = 64;  // size of /tmp
  std::optional<OwnPage> page;  // none: it has no page
  std::optional<ConfigFile> config;
  std::map<int, std::string> exit_codes;  // what an exit code means, for people

  // What `exit_code` means: the runtime's own word, or what every container's code means
  // (137 killed, 143 terminated, 111 agent-init gave up), or "".
  [[nodiscard]] std::string describe_exit(int exit_code) const;
};

}  // namespace deployclaw::runtimes

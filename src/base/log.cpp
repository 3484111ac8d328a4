#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <string>

#include "base/clock.hpp"

namespace deployclaw::log {
namespace {

std::string role_name = "deployclaw";

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("deployclaw",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

// JSON lets DEL and U+0080 to U+009F stand as they are, and some terminals obey these. Within a
// line they can only be in strings, so escaped it says the same.
std::string without_controls(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size(); ++at) {
    const auto next = at + 1 < json.size() ? static_cast<unsigned char>(json[at + 1]) : 0U;
    const bool is_c1 = json[at] == '\xC2' && next >= 0x80 && next < 0xA0;
    if (is_c1) ++at;
    if (is_c1 || json[at] == '\x7F') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(json[at]));
    } else {
      out += json[at];
    }
  }
  return out;
}

}  // namespace

void init(std::string_view role, Level least) {
  role_name = role;
  logger().set_level(native(least));
}

void write(Level level, std::string_view event, Fields fields) {
  if (!logger().should_log(native(level))) return;
  boost::json::object line;
  line["time"] = format_time(SystemClock{}.now());
  line["level"] = name(level);
  line["role"] = role_name;
  line["event"] = event;
  for (const auto& [key, value] : fields) line[key] = value;
  logger().log(native(level), without_controls(boost::json::serialize(line)));
}

}  // namespace deployclaw::log

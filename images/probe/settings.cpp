// Settings of the probe agent: one flat JSON object, and environment variables over it.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.hpp"

namespace probe {
namespace {

// "readyAfterMs" -> "PROBE_READY_AFTER_MS".
std::string variable_name(const std::string& key) {
  std::string name = "PROBE_";
  for (const char c : key) {
    if (c >= 'A' && c <= 'Z') name += '_';
    name += static_cast<char>(toupper(c));
  }
  return name;
}

bool assign_flag(bool& field, const std::string& value) {
  field = value == "true";
  return value == "true" || value == "false";
}

template <typename Number>
bool assign_number(Number& field, const std::string& value) {
  char* end = nullptr;
  field = static_cast<Number>(strtol(value.c_str(), &end, 10));
  return !value.empty() && *end == '\0';
}

bool assign(Settings& s, const std::string& key, const std::string& value) {
  if (key == "port") return assign_number(s.port, value);
  if (key == "listenAfterMs") return assign_number(s.listen_after_ms, value);
  if (key == "startedAfterMs") return assign_number(s.started_after_ms, value);
  if (key == "readyAfterMs") return assign_number(s.ready_after_ms, value);
  if (key == "neverReady") return assign_flag(s.never_ready, value);
  if (key == "unreadyAfterMs") return assign_number(s.unready_after_ms, value);
  if (key == "requireForwardedFor") return assign_flag(s.require_forwarded_for, value);
  if (key == "exitCode") return assign_number(s.exit_code, value);
  if (key == "exitAfterMs") return assign_number(s.exit_after_ms, value);
  if (key == "ignoreTerm") return assign_flag(s.ignore_term, value);
  if (key == "print") return s.print = value, true;
  if (key == "printCount") return assign_number(s.print_count, value);
  if (key == "printEveryMs") return assign_number(s.print_every_ms, value);
  if (key == "forkBomb") return assign_flag(s.fork_bomb, value);
  if (key == "memoryBomb") return assign_flag(s.memory_bomb, value);
  if (key == "fillPath") return s.fill_path = value, true;
  // "note" and "gateway" are there for tests that look whether the platform wrote the file.
  return key == "note" || key == "gatewayToken" || key == "gatewayAddress" || key == "proxyUrl";
}

constexpr const char* kKeys[] = {
    "port",           "listenAfterMs",       "startedAfterMs", "readyAfterMs", "neverReady",
    "unreadyAfterMs", "requireForwardedFor", "exitCode",       "exitAfterMs",  "ignoreTerm",
    "print",          "printCount",          "printEveryMs",   "forkBomb",     "memoryBomb",
    "fillPath"};

class FlatObject {
 public:
  explicit FlatObject(std::string_view text) : text_(text) {}

  bool each(Settings& settings, std::string& error) {
    if (!take('{')) return fail(error, "expected {");
    if (take('}')) return true;
    do {
      std::string key;
      std::string value;
      if (!string(key) || !take(':')) return fail(error, "expected \"key\":");
      space();
      const bool quoted = at_ < text_.size() && text_[at_] == '"';
      if (quoted ? !string(value) : !word(value)) return fail(error, "expected a plain value");
      if (value == "null" && !quoted) continue;
      if (!assign(settings, key, value)) return fail(error, "bad or unknown key " + key);
    } while (take(','));
    return take('}') || fail(error, "expected }");
  }

 private:
  static bool fail(std::string& error, const std::string& reason) {
    error = reason;
    return false;
  }
  void space() {
    while (at_ < text_.size() && strchr(" \t\r\n", text_[at_]) != nullptr) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string(std::string& out) {
    if (!take('"')) return false;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && ++at_ >= text_.size()) return false;
      out += text_[at_];
    }
    return at_++ < text_.size();
  }
  bool word(std::string& out) {
    while (at_ < text_.size() &&
           (isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-')) {
      out += text_[at_++];
    }
    return !out.empty();
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

bool load_settings(const std::string& path, Settings& settings, std::string& error) {
  if (FILE* file = fopen(path.c_str(), "re")) {
    std::string text;
    char buffer[4096];
    for (size_t count; (count = fread(buffer, 1, sizeof buffer, file)) > 0;) {
      text.append(buffer, count);
    }
    fclose(file);
    if (!FlatObject(text).each(settings, error)) {
      error = path + ": " + error;
      return false;
    }
  } else if (errno != ENOENT) {
    error = path + ": " + strerror(errno);
    return false;
  }
  for (const char* key : kKeys) {
    const std::string name = variable_name(key);
    const char* value = getenv(name.c_str());
    if (value != nullptr && !assign(settings, key, value)) {
      error = name + " is malformed";
      return false;
    }
  }
  return true;
}

}  // namespace probe

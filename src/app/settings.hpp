#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace deployclaw::app {

enum class SettingKind : std::uint8_t { kText, kInteger, kBool, kTextList };

// One setting the platform knows. `key` is "section.name" (or "name" at the top); its environment
// variable is DEPLOYCLAW_SECTION_NAME.
struct Setting {
  std::string_view key;
  SettingKind kind;
  std::string_view fallback;  // text form of the default; lists are comma separated
  std::string_view help;
  bool secret = false;  // printed as "(set)" by --print-config
};

// All settings, in the order in which --print-config shows them.
std::span<const Setting> all_settings();

// Values by key, each checked against its kind. Later sources win: file, environment, overrides.
class Settings {
 public:
  // Starts with every default.
  Settings();

  // Reads a TOML file. An unknown key, wrong type or bad syntax is an error with file, line and
  // key.
  Status read_file(const std::string& path);
  // Takes DEPLOYCLAW_<SECTION>_<NAME>, DEPLOYCLAW_HOME, DEPLOYCLAW_PORT, DATABASE_URL and
  // DOCKER_HOST from `environment` ("NAME=value" strings). Other DEPLOYCLAW_ names are left alone:
  // they belong to the build script.
  Status read_environment(std::span<const std::string> environment);
  // "section.name=value", as given by --set.
  Status apply_override(std::string_view assignment);
  Status set(std::string_view key, std::string_view value, std::string_view source);

  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] std::int64_t integer(std::string_view key) const;
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> list(std::string_view key) const;

  // TOML with one comment line a setting; secrets are redacted unless `reveal` (used to hand the
  // effective settings to the roles).
  [[nodiscard]] std::string to_toml(bool reveal) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace deployclaw::app

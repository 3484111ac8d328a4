#pragma once

#include <toml++/toml.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace deployclaw {

// Where problems in one file are gathered, each as "file:line: field: why".
struct Problems {
  std::string file;
  std::vector<std::string>& list;
  void add(const toml::source_region& where, std::string_view field, std::string_view why);
};

// The *.toml files of a folder by name; kNotFound, beginning with `what`, when there are none.
Result<std::vector<std::filesystem::path>> toml_files(const std::filesystem::path& folder,
                                                      std::string_view what);
// Problems as one text, a line each.
std::string joined_lines(const std::vector<std::string>& lines);
// The table of a whole file; nullopt, with the problem added, when its syntax is wrong.
std::optional<toml::table> parse_toml(std::string_view text, Problems& problems);

// Reads the fields of one TOML table, typed and bounded. What is missing or wrong becomes a problem
// and a neutral value, so that one pass finds every mistake. finish() reports the keys that nobody
// asked for: a misspelt key must not be a silent default.
class TomlReader {
 public:
  // `path` is the table's own name in problems ("probe.ready"), empty at the top.
  TomlReader(const toml::table& table, std::string path, Problems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  std::string text(std::string_view key);
  std::string text_or(std::string_view key, std::string fallback);
  bool flag_or(std::string_view key, bool fallback);
  std::int64_t whole(std::string_view key, std::int64_t least, std::int64_t most);
  std::int64_t whole_or(std::string_view key, std::int64_t least, std::int64_t most,
                        std::int64_t fallback);
  double number(std::string_view key, double least, double most);
  std::vector<std::string> texts(std::string_view key);
  // As above; an absent list is an empty one.
  std::vector<std::string> texts_or_none(std::string_view key);
  // A table of strings, in the order of their names.
  std::vector<std::pair<std::string, std::string>> text_table(std::string_view key);
  // A table as JSON; dates have no JSON form and are refused.
  boost::json::object json(std::string_view key);
  // The sub-table, or nullopt when it is absent. `required` makes absence a problem.
  std::optional<TomlReader> table(std::string_view key, bool required);
  // The tables of a list ([[key]] or [{…}, …]), named "key[0]", "key[1]", … in problems. Absent is
  // an empty list.
  std::vector<TomlReader> tables(std::string_view key);
  // The values of a list of texts, whole numbers and flags as JSON. Absent is a problem.
  std::vector<boost::json::value> values(std::string_view key);
  // "file:line" of the table itself.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }

  // Adds a problem about `key` (or the table itself when it is absent).
  void problem(std::string_view key, std::string_view why);
  void finish();

 private:
  const toml::node* take(std::string_view key);
  const toml::node* need(std::string_view key);
  [[nodiscard]] std::string field(std::string_view key) const;
  std::int64_t bounded(const toml::node& node, std::string_view key, std::int64_t least,
                       std::int64_t most);

  const toml::table& table_;
  std::string path_;
  Problems& problems_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace deployclaw

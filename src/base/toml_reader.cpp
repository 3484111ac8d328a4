#include "base/toml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace deployclaw {
namespace {

// nullopt for a date or time, which JSON does not have.
std::optional<boost::json::value> to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    boost::json::object object;
    for (const auto& [key, child] : *table) {
      auto value = to_json(child);
      if (!value) return std::nullopt;
      object[key.str()] = std::move(*value);
    }
    return object;
  }
  if (const auto* array = node.as_array()) {
    boost::json::array list;
    for (const toml::node& child : *array) {
      auto value = to_json(child);
      if (!value) return std::nullopt;
      list.push_back(std::move(*value));
    }
    return list;
  }
  if (const auto* text = node.as_string()) return boost::json::value(text->get());
  if (const auto* whole = node.as_integer()) return boost::json::value(whole->get());
  if (const auto* number = node.as_floating_point()) return boost::json::value(number->get());
  if (const auto* flag = node.as_boolean()) return boost::json::value(flag->get());
  return std::nullopt;
}

}  // namespace

void Problems::add(const toml::source_region& where, std::string_view field, std::string_view why) {
  list.push_back(fmt::format("{}:{}: {}: {}", file, where.begin.line, field, why));
}

std::string TomlReader::field(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void TomlReader::problem(std::string_view key, std::string_view why) {
  const toml::node* node = table_.get(key);
  problems_.add(node != nullptr ? node->source() : table_.source(), field(key), why);
}

const toml::node* TomlReader::take(std::string_view key) {
  seen_.emplace(key);
  return table_.get(key);
}

const toml::node* TomlReader::need(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) problem(key, "is missing");
  return node;
}

std::string TomlReader::text(std::string_view key) {
  const toml::node* node = need(key);
  if (node == nullptr) return {};
  const auto* value = node->as_string();
  if (value == nullptr || value->get().empty()) {
    problem(key, "must be a non-empty string");
    return {};
  }
  return value->get();
}

std::string TomlReader::text_or(std::string_view key, std::string fallback) {
  if (take(key) == nullptr) return fallback;
  return text(key);
}

bool TomlReader::flag_or(std::string_view key, bool fallback) {
  const toml::node* node = take(key);
  if (node == nullptr) return fallback;
  const auto* value = node->as_boolean();
  if (value == nullptr) problem(key, "must be true or false");
  return value != nullptr ? value->get() : fallback;
}

std::int64_t TomlReader::bounded(const toml::node& node, std::string_view key, std::int64_t least,
                                 std::int64_t most) {
  const auto* value = node.as_integer();
  if (value != nullptr && value->get() >= least && value->get() <= most) return value->get();
  problem(key, fmt::format("must be a whole number from {} to {}", least, most));
  return least;
}

std::int64_t TomlReader::whole(std::string_view key, std::int64_t least, std::int64_t most) {
  const toml::node* node = need(key);
  return node == nullptr ? least : bounded(*node, key, least, most);
}

std::int64_t TomlReader::whole_or(std::string_view key, std::int64_t least, std::int64_t most,
                                  std::int64_t fallback) {
  const toml::node* node = take(key);
  return node == nullptr ? fallback : bounded(*node, key, least, most);
}

double TomlReader::number(std::string_view key, double least, double most) {
  const toml::node* node = need(key);
  if (node == nullptr) return least;
  const auto value = node->value<double>();
  if (node->is_number() && value && *value >= least && *value <= most) return *value;
  problem(key, fmt::format("must be a number from {} to {}", least, most));
  return least;
}

std::vector<std::string> TomlReader::texts(std::string_view key) {
  std::vector<std::string> list;
  const toml::node* node = need(key);
  if (node == nullptr) return list;
  const auto* array = node->as_array();
  if (array == nullptr) {
    problem(key, "must be a list of strings");
    return list;
  }
  for (const toml::node& item : *array) {
    const auto* value = item.as_string();
    if (value == nullptr || value->get().empty()) {
      problems_.add(item.source(), field(key), "must hold non-empty strings only");
      continue;
    }
    list.push_back(value->get());
  }
  return list;
}

std::vector<std::string> TomlReader::texts_or_none(std::string_view key) {
  if (take(key) == nullptr) return {};
  return texts(key);
}

std::vector<boost::json::value> TomlReader::values(std::string_view key) {
  std::vector<boost::json::value> list;
  const toml::node* node = need(key);
  if (node == nullptr) return list;
  const auto* array = node->as_array();
  if (array == nullptr || array->empty()) {
    problem(key, "must be a list of values");
    return list;
  }
  for (const toml::node& item : *array) {
    auto value =
        item.is_string() || item.is_integer() || item.is_boolean() ? to_json(item) : std::nullopt;
    if (!value) {
      problems_.add(item.source(), field(key), "must hold texts, whole numbers and flags only");
      continue;
    }
    list.push_back(std::move(*value));
  }
  return list;
}

std::vector<std::pair<std::string, std::string>> TomlReader::text_table(std::string_view key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const toml::node* node = take(key);
  if (node == nullptr) return pairs;
  const auto* table = node->as_table();
  if (table == nullptr) {
    problem(key, "must be a table of strings");
    return pairs;
  }
  for (const auto& [name, value] : *table) {
    const auto* text = value.as_string();
    if (text == nullptr) {
      problems_.add(value.source(), field(key) + "." + std::string(name.str()), "must be a string");
      continue;
    }
    pairs.emplace_back(name.str(), text->get());
  }
  return pairs;
}

boost::json::object TomlReader::json(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return {};
  auto value = node->is_table() ? to_json(*node) : std::nullopt;
  if (!value) {
    problem(key, "must be a table without dates or times");
    return {};
  }
  return std::move(value->as_object());
}

std::optional<TomlReader> TomlReader::table(std::string_view key, bool required) {
  const toml::node* node = required ? need(key) : take(key);
  if (node == nullptr) return std::nullopt;
  const auto* sub = node->as_table();
  if (sub == nullptr) {
    problem(key, "must be a table");
    return std::nullopt;
  }
  return TomlReader(*sub, field(key), problems_);
}

std::vector<TomlReader> TomlReader::tables(std::string_view key) {
  std::vector<TomlReader> list;
  const toml::node* node = take(key);
  if (node == nullptr) return list;
  const auto* array = node->as_array();
  if (array == nullptr) {
    problem(key, "must be a list of tables");
    return list;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto* item = array->get(i)->as_table();
    if (item == nullptr) {
      problems_.add(array->get(i)->source(), field(key), "must hold tables only");
      continue;
    }
    list.emplace_back(*item, fmt::format("{}[{}]", field(key), i), problems_);
  }
  return list;
}

std::string TomlReader::where() const {
  return fmt::format("{}:{}", problems_.file, table_.source().begin.line);
}

void TomlReader::finish() {
  for (const auto& [key, value] : table_) {
    if (!seen_.contains(key.str())) {
      problems_.add(value.source(), field(key.str()), "is not a field of this table");
    }
  }
}

Result<std::vector<std::filesystem::path>> toml_files(const std::filesystem::path& folder,
                                                      std::string_view what) {
  const std::string where = std::string(what) + " " + folder.string();
  std::error_code error;
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator it(folder, error);
  for (const std::filesystem::directory_iterator end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".toml") files.push_back(it->path());
  }
  if (error) return fail(Code::kNotFound, where + ": " + error.message());
  if (files.empty()) return fail(Code::kNotFound, where + " holds no *.toml");
  std::ranges::sort(files);
  return files;
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

std::optional<toml::table> parse_toml(std::string_view text, Problems& problems) {
  try {
    return toml::parse(text, problems.file);
  } catch (const toml::parse_error& error) {
    problems.add(error.source(), "syntax", error.description());
    return std::nullopt;
  }
}

}  // namespace deployclaw

#include "domain/sensitive_config.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/system/error_code.hpp>

#include "base/secret.hpp"
#include "domain/json_reading.hpp"
#include "domain/names.hpp"

namespace deployclaw::domain {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestPointer = 255;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "botAPIToken_2" → {"bot", "api", "token", "2"}
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_upper(c) && !is_lower(c) && !is_digit(c)) {
      end_word();
      continue;
    }
    if (is_upper(c) && i > 0) {
      const bool after_lower = is_lower(name[i - 1]) || is_digit(name[i - 1]);
      const bool before_lower = i + 1 < name.size() && is_lower(name[i + 1]);
      if (after_lower || (is_upper(name[i - 1]) && before_lower)) end_word();
    }
    word += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  end_word();
  return words;
}

const json::object* sealed_object(const json::value& value) {
  const auto* object = value.if_object();
  return object != nullptr && object->contains(kSealedKey) ? object : nullptr;
}

struct Extraction {
  const json::object* stored;
  std::string_view base;
  std::vector<FieldError>& errors;
  std::vector<SensitiveValue> found = {};

  void error(const std::string& pointer, std::string detail) {
    errors.push_back({std::string(base) + pointer, std::move(detail)});
  }

  // Puts the stored sealed value in the place of {"$sealed": true}.
  void keep(json::value& value, const json::object& mark, const std::string& pointer) {
    const auto* flag = mark.find(kSealedKey)->value().if_bool();
    if (mark.size() != 1 || flag == nullptr || !*flag) {
      error(pointer, "may use \"$sealed\" only as {\"$sealed\": true}, to keep a stored value");
      return;
    }
    if (stored != nullptr) {
      boost::system::error_code ignored;
      const json::value whole(*stored);
      if (const auto* at = whole.find_pointer(pointer, ignored);
          at != nullptr && sealed_object(*at) != nullptr) {
        json::value copy = *at;
        value = std::move(copy);
        return;
      }
    }
    error(pointer, "has no stored value to keep");
  }

  void check_reference(const json::value& value, const std::string& pointer) {
    const auto* name = credential_reference(value);
    if (name == nullptr || !credential_name(*name)) {
      error(pointer,
            "may use \"$credential\" only as {\"$credential\": \"<name>\"}, with the name of "
            "a credential");
    }
  }

  void visit(json::value& value, const std::string& pointer, bool sensitive) {
    if (const auto* mark = sealed_object(value)) {
      keep(value, *mark, pointer);
    } else if (const auto* reference = value.if_object();
               reference != nullptr && reference->contains(kCredentialKey)) {
      check_reference(value, pointer);
    } else if (auto* object = value.if_object()) {
      for (auto& member : *object) {
        // Below a sensitive name ("credentials": {…}) every string is one.
        visit(member.value(), pointer_below(pointer, member.key()),
              sensitive || is_sensitive_name(member.key()));
      }
    } else if (auto* array = value.if_array()) {
      for (std::size_t i = 0; i < array->size(); ++i) {
        visit((*array)[i], pointer_below(pointer, i), sensitive);
      }
    } else if (auto* text = value.if_string(); text != nullptr && sensitive && !text->empty()) {
      if (pointer.size() > kLongestPointer) {
        error(pointer.substr(0, kLongestPointer), "is nested too deep for a sensitive value");
        return;
      }
      found.push_back({pointer, std::string(*text)});
      wipe_memory(text->data(), text->size());
      value = nullptr;
    }
  }
};

void collect_sealed(const json::value& value, const std::string& pointer, SealedValues& into) {
  if (const auto* object = value.if_object()) {
    if (const auto* sealed = object->if_contains(kSealedKey)) {
      if (const auto* row = sealed->if_object()) into.emplace(pointer, *row);
      return;
    }
    for (const auto& member : *object) {
      collect_sealed(member.value(), pointer_below(pointer, member.key()), into);
    }
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      collect_sealed((*array)[i], pointer_below(pointer, i), into);
    }
  }
}

}  // namespace

const json::string* credential_reference(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr || object->size() != 1) return nullptr;
  const auto* name = object->if_contains(kCredentialKey);
  return name != nullptr ? name->if_string() : nullptr;
}

bool is_sensitive_name(std::string_view name) {
  constexpr std::array<std::string_view, 13> kWords = {
      "token",      "secret",     "secrets",     "password",      "passwd", "passphrase", "apikey",
      "privatekey", "credential", "credentials", "authorization", "cookie", "bearer"};
  constexpr std::array<std::string_view, 7> kBeforeKey = {
      "api", "private", "secret", "access", "signing", "encryption", "auth"};
  const auto words = words_of(name);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (std::ranges::find(kWords, std::string_view(words[i])) != kWords.end()) return true;
    if (i > 0 && words[i] == "key" &&
        std::ranges::find(kBeforeKey, std::string_view(words[i - 1])) != kBeforeKey.end()) {
      return true;
    }
  }
  return false;
}

std::vector<SensitiveValue> extract_sensitive(json::object& config, const json::object* stored,
                                              std::string_view base,
                                              std::vector<FieldError>& errors) {
  Extraction extraction{.stored = stored, .base = base, .errors = errors};
  if (config.contains(kSealedKey)) {
    extraction.error("", "may not be sealed as a whole");
    return {};
  }
  if (config.contains(kCredentialKey)) {
    extraction.error("", "may not be a credential as a whole");
    return {};
  }
  for (auto& member : config) {
    extraction.visit(member.value(), pointer_below("", member.key()),
                     is_sensitive_name(member.key()));
  }
  return std::move(extraction.found);
}

void place_sealed(json::object& config, std::string_view pointer, json::object sealed) {
  // The first token is looked up here because find_pointer needs a value, not an object.
  const auto end = pointer.find('/', 1);
  std::string token(pointer.substr(1, end == std::string_view::npos ? end : end - 1));
  for (std::size_t at = 0; (at = token.find('~', at)) != std::string::npos; ++at) {
    token.replace(at, 2, token[at + 1] == '1' ? "/" : "~");
  }
  auto* value = config.if_contains(token);
  if (value != nullptr && end != std::string_view::npos) {
    boost::system::error_code ignored;
    value = value->find_pointer(pointer.substr(end), ignored);
  }
  if (value == nullptr) return;
  json::object mark;
  mark[kSealedKey] = std::move(sealed);
  *value = std::move(mark);
}

SealedValues sealed_values(const json::object& config) {
  SealedValues found;
  for (const auto& member : config) {
    collect_sealed(member.value(), pointer_below("", member.key()), found);
  }
  return found;
}

std::vector<std::string> same_sealed(const json::object& one, const json::object& other) {
  const auto others = sealed_values(other);
  std::vector<std::string> same;
  for (const auto& [pointer, sealed] : sealed_values(one)) {
    const auto found = others.find(pointer);
    if (found != others.end() && found->second == sealed) same.push_back(pointer);
  }
  return same;
}

void redact_sealed(json::value& config) {
  if (auto* object = config.if_object()) {
    if (object->contains(kSealedKey)) {
      object->clear();
      (*object)[kSealedKey] = true;
      return;
    }
    for (auto& member : *object) redact_sealed(member.value());
  } else if (auto* array = config.if_array()) {
    for (auto& item : *array) redact_sealed(item);
  }
}

void wipe_strings(json::value& value) {
  if (auto* object = value.if_object()) {
    for (auto& member : *object) wipe_strings(member.value());
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) wipe_strings(item);
  } else if (auto* text = value.if_string()) {
    wipe_memory(text->data(), text->size());
  }
}

}  // namespace deployclaw::domain

#include "runtimes/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

#include "base/encoding.hpp"
#include "crypto/hmac.hpp"
#include "domain/json_reading.hpp"
#include "domain/sensitive_config.hpp"

namespace deployclaw::runtimes {
namespace {

constexpr std::string_view kImageKey = "image";
constexpr std::string_view kNoKey = "placeholder-not-a-key";

constexpr std::array kNames{
    TemplateName{"agent_id", false},      TemplateName{"host", false},
    TemplateName{"gateway_token", true},  TemplateName{"gateway_address", false},
    TemplateName{"proxy_url", false},     TemplateName{"public_origin", false},
    TemplateName{"model_api_key", false}, TemplateName{"page_key", true},
};

std::string value_of(const TemplateValues& values, std::string_view name) {
  if (name == "agent_id") return values.agent_id;
  if (name == "host") return values.host;
  if (name == "gateway_token") return values.gateway_token;
  if (name == "gateway_address") return values.gateway_address;
  if (name == "proxy_url") return values.proxy_url;
  if (name == "public_origin") return values.public_origin;
  if (name == "page_key") return page_key(values.gateway_token);
  return values.model_api_key.empty() ? std::string(kNoKey) : values.model_api_key;
}

// The catalogue has been checked, so every ${name} is known and closed.
std::string fill(std::string_view text, const TemplateValues& values) {
  std::string out;
  while (true) {
    const std::size_t start = text.find("${");
    out += text.substr(0, start);
    if (start == std::string_view::npos) return out;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return out += text.substr(start);
    out += value_of(values, text.substr(start + 2, end - start - 2));
    text.remove_prefix(end + 1);
  }
}

// One pass over the template's own strings; what is filled in is not looked at again.
void fill_all(boost::json::value& value, const TemplateValues& values) {
  if (auto* text = value.if_string()) {
    value = fill(std::string_view(*text), values);
  } else if (auto* object = value.if_object()) {
    for (auto& member : *object) fill_all(member.value(), values);
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) fill_all(item, values);
  }
}

const boost::json::object* sealed(const boost::json::value& value) {
  const auto* object = value.if_object();
  return object != nullptr && object->contains(domain::kSealedKey) ? object : nullptr;
}

boost::json::value credential_placeholder(std::string_view name, const TemplateValues& values) {
  std::string placeholder = values.credential ? values.credential(name) : std::string();
  return boost::json::value(placeholder.empty() ? std::string(kNoKey) : std::move(placeholder));
}

// The customer's value as the agent may see it: sealed values and references to credentials become
// placeholders.
boost::json::value unsealed(const boost::json::value& value, const std::string& pointer,
                            const TemplateValues& values) {
  if (const auto* name = domain::credential_reference(value); name != nullptr && !pointer.empty()) {
    return credential_placeholder(*name, values);
  }
  if (sealed(value) != nullptr) {
    return boost::json::value(values.placeholder ? values.placeholder(pointer)
                                                 : std::string(kNoKey));
  }
  if (const auto* object = value.if_object()) {
    boost::json::object copy;
    for (const auto& member : *object) {
      copy[member.key()] =
          unsealed(member.value(), domain::pointer_below(pointer, member.key()), values);
    }
    return copy;
  }
  if (const auto* array = value.if_array()) {
    boost::json::array copy;
    for (std::size_t i = 0; i < array->size(); ++i) {
      copy.push_back(unsealed((*array)[i], domain::pointer_below(pointer, i), values));
    }
    return copy;
  }
  return value;
}

void merge(boost::json::object& into, const boost::json::object& over) {
  for (const auto& member : over) {
    auto* present = into.if_contains(member.key());
    if (present != nullptr && present->is_object() && member.value().is_object()) {
      merge(present->as_object(), member.value().as_object());
    } else {
      into[member.key()] = member.value();
    }
  }
}

// True when `config` would change what stands at `pointer`: it has that member, or something that
// is not an object, or will not be one once it is rendered, stands on the way and would replace the
// whole branch.
bool touches(const boost::json::object& config, std::string_view pointer) {
  const boost::json::object* at = &config;
  for (std::size_t from = 1; from <= pointer.size();) {
    const std::size_t slash = std::min(pointer.find('/', from), pointer.size());
    const auto* next = at->if_contains(pointer.substr(from, slash - from));
    if (next == nullptr) return false;
    at = next->if_object();
    if (at == nullptr || at->contains(domain::kSealedKey) || at->contains(domain::kCredentialKey)) {
      return true;
    }
    from = slash + 1;
  }
  return true;
}

void check_image(const Runtime& runtime, const boost::json::object& config, std::string_view base,
                 std::vector<FieldError>& errors) {
  const std::string pointer = domain::pointer_below(base, kImageKey);
  const auto* image = config.if_contains(kImageKey);
  const auto* reference = image != nullptr ? image->if_string() : nullptr;
  if (reference == nullptr) {
    errors.push_back({pointer, "must name an image that the operator has allowed"});
  } else if (std::ranges::find(runtime.image.allowed, std::string_view(*reference)) ==
             runtime.image.allowed.end()) {
    errors.push_back({pointer, "is not among the images that the operator has allowed"});
  }
}

void check_keys(const ConfigFile& file, const boost::json::object& config, std::string_view base,
                std::vector<FieldError>& errors) {
  const bool any = std::ranges::find(file.allowed, "*") != file.allowed.end();
  for (const auto& member : config) {
    const std::string_view key = member.key();
    const bool explained = file.refused.contains("/" + std::string(key));
    if (any || explained || std::ranges::find(file.allowed, key) != file.allowed.end()) continue;
    errors.push_back({domain::pointer_below(base, key), "is not a setting of this runtime"});
  }
  for (const auto& [pointer, reason] : file.refused) {
    if (touches(config, pointer)) {
      errors.push_back({std::string(base) + pointer, "cannot be set: " + reason});
    }
  }
}

}  // namespace

std::string page_key(std::string_view gateway_token) {
  const auto mac = crypto::hmac_sha256(bytes_of(gateway_token), bytes_of("deployclaw/page-key/v1"));
  return hex_encode(std::span(mac).first(16));
}

std::span<const TemplateName> template_names() { return kNames; }

std::string bad_placeholder(std::string_view text, bool allow_secret) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${")) {
    text.remove_prefix(at + 2);
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return "has a ${ without }";
    const std::string_view name = text.substr(0, end);
    const auto known = std::ranges::find(kNames, name, &TemplateName::name);
    if (known == kNames.end()) return fmt::format("knows no placeholder ${{{}}}", name);
    if (known->secret && !allow_secret) {
      return fmt::format("must not hold the secret ${{{}}}", name);
    }
  }
  return {};
}

std::vector<FieldError> validate_customer_config(const Runtime& runtime,
                                                 const boost::json::object& config,
                                                 std::string_view base) {
  std::vector<FieldError> errors;
  if (runtime.image.source == ImageSource::kAllowed) check_image(runtime, config, base, errors);
  if (!runtime.config) {
    const std::size_t own = runtime.image.source == ImageSource::kAllowed ? 1 : 0;
    if (config.size() > own) errors.push_back({std::string(base), "this runtime has no settings"});
    return errors;
  }
  check_keys(*runtime.config, config, base, errors);
  if (const auto size = boost::json::serialize(config).size(); size > runtime.config->max_bytes) {
    errors.push_back({std::string(base), fmt::format("is {} bytes of JSON, at most {} are allowed",
                                                     size, runtime.config->max_bytes)});
  }
  return errors;
}

Result<boost::json::object> render_config(const Runtime& runtime,
                                          const boost::json::object& customer_config,
                                          const TemplateValues& values) {
  if (!runtime.config) {
    return fail(Code::kUnsupported, "runtime " + runtime.name + " has no config file");
  }
  if (auto errors = validate_customer_config(runtime, customer_config); !errors.empty()) {
    return fail(Error{.code = Code::kInvalid,
                      .message = "config of runtime " + runtime.name + ": " +
                                 errors.front().pointer + " " + errors.front().detail,
                      .fields = std::move(errors)});
  }
  boost::json::value rendered = runtime.config->base;
  fill_all(rendered, values);
  boost::json::value own = unsealed(customer_config, "", values);
  if (runtime.image.source == ImageSource::kAllowed) own.as_object().erase(kImageKey);
  merge(rendered.as_object(), own.as_object());
  return std::move(rendered.as_object());
}

std::vector<std::pair<std::string, std::string>> render_environment(const Runtime& runtime,
                                                                    const TemplateValues& values) {
  auto environment = runtime.environment;
  for (auto& [name, value] : environment) value = fill(value, values);
  return environment;
}

std::string image_of(const Runtime& runtime, const boost::json::object& customer_config) {
  if (runtime.image.source != ImageSource::kAllowed) return {};
  const auto* image = customer_config.if_contains(kImageKey);
  const auto* reference = image != nullptr ? image->if_string() : nullptr;
  return reference != nullptr ? std::string(*reference) : std::string();
}

}  // namespace deployclaw::runtimes

#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "runtimes/runtime.hpp"

namespace deployclaw::runtimes {

// What the placeholders of a config or environment template stand for. An agent that the platform
// starts gets all of them.
struct TemplateValues {
  std::string agent_id;         // ${agent_id}
  std::string host;             // ${host}: the agent's host name
  std::string gateway_token;    // ${gateway_token}: secret; config files only
  std::string gateway_address;  // ${gateway_address}: "10.231.0.1"
  std::string proxy_url;        // ${proxy_url}: "http://10.231.0.1:3128"
  std::string public_origin;    // ${public_origin}: "https://agent.example.com", where it is seen
  std::string model_api_key;    // ${model_api_key}: a placeholder, never a real key

  // What stands in the file for a sealed value at that JSON pointer of the customer's config; an
  // agent never gets the value itself. When unset: a fixed text that is no key.
  std::function<std::string(std::string_view pointer)> placeholder;

  // The placeholder of the agent's credential of that name, for {"$credential": "<name>"} in the
  // customer's config; "" when it has none. When unset, or for "": the same fixed text.
  std::function<std::string(std::string_view name)> credential = {};
};

// Checks the customer's `config` (an object; absent is an empty one): allowed keys, refused
// pointers, size, the image of a runtime of source kAllowed. Sealed values ({"$sealed": …}) count
// as strings. Pointers in the result are below `base`, for instance "/config".
std::vector<FieldError> validate_customer_config(const Runtime& runtime,
                                                 const boost::json::object& config,
                                                 std::string_view base = "/config");

// The content of the runtime's config file: its template with the placeholders filled in, and the
// customer's config merged over it (objects member by member, everything else replaced).
// Placeholders in the customer's own strings are left alone. kInvalid with fields when the config
// breaks a rule (checked again here, fail closed); kUnsupported when the runtime has no config
// file.
Result<boost::json::object> render_config(const Runtime& runtime,
                                          const boost::json::object& customer_config,
                                          const TemplateValues& values);

// The environment of the container. No secret can be in it: the catalogue refuses ${gateway_token}
// there.
std::vector<std::pair<std::string, std::string>> render_environment(const Runtime& runtime,
                                                                    const TemplateValues& values);

// The image reference a customer's config names, for a runtime of source kAllowed; "" for others.
std::string image_of(const Runtime& runtime, const boost::json::object& customer_config);

// The names a template may use, and whether each is secret.
struct TemplateName {
  std::string_view name;
  bool secret;
};
std::span<const TemplateName> template_names();

// ${page_key}: 32 hexadecimal digits made of the gateway token, which cannot be found from them.
// For where an agent shows what it was told: whoever knows them is the platform to this agent's own
// page, and no more. docs/decisions/0007-agent-page.md.
std::string page_key(std::string_view gateway_token);

// Finds ${name} that no TemplateValues member stands for, or that is not closed; "" when all is
// well.
std::string bad_placeholder(std::string_view text, bool allow_secret);

}  // namespace deployclaw::runtimes

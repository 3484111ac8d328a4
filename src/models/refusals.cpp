#include "models/refusals.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <string>

#include "models/request.hpp"

namespace deployclaw::models {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

const json::value* find(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::unexpected<Error> refuse(std::string_view field, std::string_view why) {
  return fail(Code::kForbidden, "model_call_refused",
              std::string(field) + " is not possible under a spend limit: " + std::string(why));
}

struct Refused {
  std::string_view field;
  std::string_view why;
};

// Fields that may not be there with any value but null, false or an empty list.
constexpr std::array kRefused{
    Refused{"background", "the work would go on after the call."},
    Refused{"deferred", "the work would go on after the call."},
    Refused{"mcp_servers", "tools that the provider runs are billed apart, or many times."},
    Refused{"container", "tools that the provider runs are billed apart, or many times."},
    Refused{"web_search_options", "searches are billed apart from tokens."},
    Refused{"search_parameters", "searches are billed apart from tokens."},
    Refused{"plugins", "plugins are billed apart from tokens."},
    Refused{"preset", "what a preset asks for is not in the request."},
    Refused{"models", "each of these models has another price; name one."},
    Refused{"prediction", "rejected parts of a prediction are billed beyond the limit."},
    Refused{"speed", "the faster mode has another price."},
    Refused{"agent_id", "what an agent of the provider does is not in the request."},
};

bool is_nothing(const json::value& value) {
  return (value.is_bool() && !value.get_bool()) || (value.is_array() && value.get_array().empty());
}

// Tools that the agent itself runs; anything else runs at the provider.
bool is_own_tool(Dialect dialect, std::string_view type) {
  if (dialect == Dialect::kMessages) {
    constexpr std::array<std::string_view, 4> kOwn{"bash_", "text_editor_", "computer_", "memory_"};
    return type == "custom" ||
           std::ranges::any_of(kOwn, [&](auto own) { return type.starts_with(own); });
  }
  constexpr std::array<std::string_view, 4> kOwn{"function", "custom", "local_shell",
                                                 "apply_patch"};
  return std::ranges::find(kOwn, type) != kOwn.end();
}

Status check_tools(Dialect dialect, const json::value& tools) {
  constexpr std::string_view kWhy = "tools that the provider runs are billed apart, or many times.";
  if (!tools.is_array()) return fail(Code::kInvalid, "invalid_model_call", "tools must be a list.");
  for (const auto& tool : tools.get_array()) {
    if (!tool.is_object()) {
      return fail(Code::kInvalid, "invalid_model_call", "Each of tools must be an object.");
    }
    const auto& object = tool.get_object();
    if (dialect == Dialect::kGemini) {
      for (const auto& member : object) {
        const std::string key(member.key().data(), member.key().size());
        if (folded(key) != "functiondeclarations") return refuse("The tool " + key, kWhy);
      }
      continue;
    }
    const auto* type = find(object, "type");
    // Anthropic's own form has none.
    if (type == nullptr && (dialect == Dialect::kMessages || find(object, "function") != nullptr)) {
      continue;
    }
    if (type == nullptr || !type->is_string() || !is_own_tool(dialect, view(type->get_string()))) {
      const auto name = type != nullptr && type->is_string() ? std::string(view(type->get_string()))
                                                             : std::string("of that type");
      return refuse("The tool " + name.substr(0, 64), kWhy);
    }
  }
  return {};
}

Status check_tier(const json::object& body) {
  const auto* tier = find(body, "service_tier");
  if (tier == nullptr) return {};
  constexpr std::array<std::string_view, 5> kPlain{"auto", "default", "flex", "standard_only",
                                                   "on_demand"};
  const bool plain =
      tier->is_string() && std::ranges::find(kPlain, view(tier->get_string())) != kPlain.end();
  if (!plain) return refuse("This service_tier", "it has another price.");
  return {};
}

bool names(const json::value& list, std::string_view what) {
  return list.is_array() && std::ranges::any_of(list.get_array(), [&](const auto& one) {
           return one.is_string() && folded(view(one.get_string())) == what;
         });
}

// Answers that are not text.
Status check_modalities(const json::object& body) {
  const auto* modalities = find(body, "modalities");
  if (find(body, "audio") != nullptr ||
      (modalities != nullptr && (names(*modalities, "audio") || names(*modalities, "image")))) {
    return refuse("An answer that is not text", "its price is not known to this platform.");
  }
  return {};
}

Status check_gemini(const json::object& body) {
  for (const auto& member : body) {
    const std::string key(member.key().data(), member.key().size());
    const auto form = folded(key);
    if (form == "tools") {
      if (auto good = check_tools(Dialect::kGemini, member.value()); !good) return good;
    }
    if (form != "generationconfig" || !member.value().is_object()) continue;
    for (const auto& inner : member.value().get_object()) {
      const auto name = folded({inner.key().data(), inner.key().size()});
      if (name == "speechconfig" || name == "imageconfig" ||
          (name == "responsemodalities" &&
           (names(inner.value(), "audio") || names(inner.value(), "image")))) {
        return refuse("An answer that is not text", "its price is not known to this platform.");
      }
    }
  }
  return {};
}

}  // namespace

Status refuse_unbounded(std::string_view service, Dialect dialect, const json::object& body) {
  if (dialect == Dialect::kGemini || dialect == Dialect::kGeminiEmbed) return check_gemini(body);
  for (const auto& [field, why] : kRefused) {
    const auto* value = find(body, field);
    if (value != nullptr && !is_nothing(*value)) return refuse(field, why);
  }
  // A template of the provider's; in completions it is the text itself.
  const auto* prompt = find(body, "prompt");
  if (dialect == Dialect::kResponses && prompt != nullptr) {
    return refuse("prompt", "what a stored prompt asks for is not in the request.");
  }
  if (const auto* geo = find(body, "inference_geo");
      geo != nullptr && !(geo->is_string() && view(geo->get_string()) == "global")) {
    return refuse("This inference_geo", "it has another price.");
  }
  const auto* model = find(body, "model");
  if (service == "openrouter" && model != nullptr && model->is_string() &&
      (view(model->get_string()).ends_with(":online") ||
       view(model->get_string()).contains("@preset"))) {
    return refuse("This form of the model", "it is billed apart from tokens.");
  }
  if (auto good = check_tier(body); !good) return good;
  if (auto good = check_modalities(body); !good) return good;
  if (const auto* tools = find(body, "tools")) return check_tools(dialect, *tools);
  return {};
}

}  // namespace deployclaw::models

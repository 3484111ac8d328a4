#include "services/render_request.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"
#include "services/message_text.hpp"
#include "services/visible_text.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;

// Texts of the request, with names in the place of placeholders and nothing hidden.
class Shower {
 public:
  explicit Shower(std::span<const AgentCredential> credentials) : credentials_(credentials) {}

  [[nodiscard]] json::string show(std::string_view text, Lines lines = Lines::kOne) const {
    return json::string(visible_text(with_names(std::string(text)), lines));
  }

 private:
  [[nodiscard]] std::string with_names(std::string text) const {
    for (const auto& credential : credentials_) {
      const auto name = "[credential " + credential.name + "]";
      std::string out;
      std::size_t from = 0;
      while (true) {
        const auto at = text.find(credential.placeholder, from);
        if (at == std::string::npos) break;
        out.append(text, from, at - from);
        out += name;
        from = at + credential.placeholder.size();
      }
      if (from == 0) continue;
      out.append(text, from);
      text = std::move(out);
    }
    return text;
  }

  std::span<const AgentCredential> credentials_;
};

json::object show_body(const Shower& shower, std::string_view body) {
  if (body.empty()) return {{"encoding", "none"}, {"content", ""}, {"bytes", 0}};
  const bool text = is_readable(body);
  return {{"encoding", text ? "text" : "hex"},
          {"content",
           text ? shower.show(body, Lines::kMany) : json::string(hex_encode(bytes_of(body)))},
          {"bytes", body.size()}};
}

json::object show_request(const Shower& shower, const PlainRequest& request) {
  json::array fields;
  for (const auto& [name, value] : request.fields) {
    fields.push_back(json::array{shower.show(name), shower.show(value)});
  }
  const auto url = std::string(request.scheme) + "://" + std::string(request.authority) +
                   std::string(request.target);
  return {{"method", shower.show(request.method)},
          {"url", shower.show(url)},
          {"headers", std::move(fields)},
          {"body", show_body(shower, request.body)}};
}

json::object show_message(const Shower& shower, const MessageText& message) {
  json::array recipients;
  for (const auto& one : message.recipients) {
    recipients.push_back(
        json::object{{"role", shower.show(one.role)}, {"address", shower.show(one.address)}});
  }
  json::array attachments;
  for (const auto& one : message.attachments) {
    attachments.push_back(json::object{
        {"name", shower.show(one.name)}, {"type", shower.show(one.type)}, {"bytes", one.bytes}});
  }
  return {{"kind", shower.show(message.kind)},
          {"from", shower.show(message.from)},
          {"recipients", std::move(recipients)},
          {"subject", shower.show(message.subject)},
          {"text", shower.show(message.text, Lines::kMany)},
          {"html", shower.show(message.html, Lines::kMany)},
          {"attachments", std::move(attachments)}};
}

}  // namespace

Result<std::string> render_request(const PlainRequest& request, std::string_view service,
                                   std::span<const AgentCredential> credentials) {
  const Shower shower(credentials);
  json::object out{{"request", show_request(shower, request)}, {"message", nullptr}};
  json::array warnings;
  if (const auto message = message_text(request, service)) {
    json::value shown = show_message(shower, *message);
    for (const auto& warning : message->warnings) warnings.emplace_back(shower.show(warning));
    // A decoded body may be mostly what has to be spelt out.
    if (json::serialize(shown).size() <= kMostRendered / 2) {
      out["message"] = std::move(shown);
    } else {
      warnings.emplace_back("The message is too large to be taken apart: see the body.");
    }
  }
  out["warnings"] = std::move(warnings);
  auto text = json::serialize(out);
  if (text.size() > kMostRendered) {
    return fail(Code::kTooLarge, "approval_too_large",
                "This request is too large to be shown to a person whole.");
  }
  return text;
}

}  // namespace deployclaw::services

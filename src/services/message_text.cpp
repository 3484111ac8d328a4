#include "services/message_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <initializer_list>

#include "base/encoding.hpp"
#include "http/ascii.hpp"
#include "http/json_body.hpp"
#include "http/url.hpp"
#include "services/mail_text.hpp"

namespace deployclaw::services {
namespace {

namespace json = boost::json;
using http::equals_ignoring_case;

constexpr std::size_t kMostRecipients = 200;
constexpr std::size_t kMostAttachments = 64;

std::string_view content_type(const PlainRequest& request) {
  for (const auto& [name, value] : request.fields) {
    if (equals_ignoring_case(name, "content-type")) return value;
  }
  return {};
}

std::string_view path_of(const PlainRequest& request) {
  return request.target.substr(0, request.target.find('?'));
}

std::string_view view(const json::value& value) {
  return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
}

const json::value* member(const json::value* value, std::string_view name) {
  const auto* object = value != nullptr ? value->if_object() : nullptr;
  return object != nullptr ? object->if_contains(json::string_view(name.data(), name.size()))
                           : nullptr;
}

std::string text_at(const json::value* value, std::string_view name) {
  const auto* found = member(value, name);
  if (found == nullptr) return {};
  if (found->is_int64()) return std::to_string(found->get_int64());
  return std::string(view(*found));
}

void add_recipient(MessageText& out, std::string_view role, std::string address) {
  if (address.empty()) return;
  if (out.recipients.size() == kMostRecipients) {
    out.warnings.emplace_back("There are more recipients than are listed: see the body.");
  }
  if (out.recipients.size() < kMostRecipients + 1) {
    out.recipients.push_back({.role = std::string(role), .address = std::move(address)});
  }
}

void add_attachment(MessageText& out, MessageText::Attachment attachment) {
  if (out.attachments.size() == kMostAttachments) {
    out.warnings.emplace_back("There are more attachments than are listed: see the body.");
  }
  if (out.attachments.size() < kMostAttachments + 1)
    out.attachments.push_back(std::move(attachment));
}

void add_text(std::string& to, std::string_view text) {
  if (!to.empty() && !text.empty()) to += "\n\n";
  to += text;
}

// Members that the reader does not show: a message may say something there, too.
void warn_of_others(MessageText& out, const json::value* value,
                    std::initializer_list<std::string_view> known) {
  const auto* object = value != nullptr ? value->if_object() : nullptr;
  if (object == nullptr) return;
  std::string others;
  for (const auto& entry : *object) {
    const std::string_view key(entry.key());
    if (std::ranges::find(known, key) != known.end()) continue;
    if (others.size() > 200) break;
    if (!others.empty()) others += ", ";
    others += key.substr(0, 64);
  }
  if (!others.empty()) out.warnings.push_back("Only the body shows: " + others + ".");
}

std::uint64_t decoded_size(std::string_view base64) { return base64.size() / 4 * 3; }

// ---- Mail as bytes.

std::optional<MessageText> of_mail(std::string_view raw) {
  const auto mail = read_mail(raw);
  if (!mail) return std::nullopt;
  MessageText out;
  out.kind = "email";
  for (const auto& [name, value] : mail->fields) {
    for (const auto role : {"to", "cc", "bcc", "reply-to"}) {
      if (equals_ignoring_case(name, role)) add_recipient(out, role, value);
    }
    if (equals_ignoring_case(name, "from")) add_text(out.from, value);
    // Two of them are read differently by different readers: both are shown.
    if (equals_ignoring_case(name, "subject")) add_text(out.subject, value);
  }
  for (const auto& part : mail->parts) {
    const bool plain = part.type == "text/plain";
    if ((plain || part.type == "text/html") && !part.attached && part.name.empty()) {
      add_text(plain ? out.text : out.html, as_utf8(part.content, part.charset));
    } else {
      add_attachment(out, {.name = part.name, .type = part.type, .bytes = part.content.size()});
    }
  }
  return out;
}

std::optional<MessageText> of_gmail(const PlainRequest& request) {
  const auto type = content_type(request);
  if (type.starts_with("message/rfc822")) return of_mail(request.body);
  if (type.starts_with("multipart/")) {
    const auto parts = read_parts(type, request.body);
    if (!parts) return std::nullopt;
    for (const auto& part : *parts) {
      if (part.type == "message/rfc822") return of_mail(part.content);
    }
    return std::nullopt;
  }
  const auto body = http::parse_json(request.body);
  if (!body) return std::nullopt;
  const json::value* message =
      member(&*body, "message") != nullptr ? member(&*body, "message") : &*body;
  auto raw = text_at(message, "raw");
  if (raw.empty()) return std::nullopt;
  std::ranges::replace(raw, '+', '-');
  std::ranges::replace(raw, '/', '_');
  while (raw.ends_with('=')) raw.pop_back();
  const auto bytes = base64url_decode(raw);
  if (!bytes) return std::nullopt;
  return of_mail({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

// ---- Mail as JSON.

std::string graph_address(const json::value& recipient) {
  const auto* address = member(&recipient, "emailAddress");
  const auto name = text_at(address, "name");
  const auto mail = text_at(address, "address");
  return name.empty() || name == mail ? mail : name + " <" + mail + ">";
}

std::optional<MessageText> of_graph(const PlainRequest& request) {
  if (content_type(request).starts_with("text/plain")) {  // MIME in base64
    const auto bytes = base64_decode(http::trim_ows(request.body));
    if (!bytes) return std::nullopt;
    return of_mail({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  }
  const auto body = http::parse_json(request.body);
  if (!body || !body->is_object()) return std::nullopt;
  MessageText out;
  out.kind = "email";
  const auto* wrapped = member(&*body, "message");
  const json::value* message = wrapped != nullptr ? wrapped : &*body;
  const auto add = [&](std::string_view role, const json::value* list) {
    if (list == nullptr || !list->is_array()) return;
    for (const auto& one : list->get_array()) add_recipient(out, role, graph_address(one));
  };
  add("to", member(message, "toRecipients"));
  if (wrapped != nullptr) add("to", member(&*body, "toRecipients"));
  add("cc", member(message, "ccRecipients"));
  add("bcc", member(message, "bccRecipients"));
  add("reply-to", member(message, "replyTo"));
  out.subject = text_at(message, "subject");
  if (const auto* from = member(message, "from")) out.from = graph_address(*from);
  const auto* content = member(message, "body");
  const bool html = equals_ignoring_case(text_at(content, "contentType"), "html");
  (html ? out.html : out.text) = text_at(content, "content");
  add_text(out.text, text_at(&*body, "comment"));
  const auto* files = member(message, "attachments");
  if (files != nullptr && files->is_array()) {
    for (const auto& file : files->get_array()) {
      add_attachment(out, {.name = text_at(&file, "name"),
                           .type = text_at(&file, "contentType"),
                           .bytes = decoded_size(text_at(&file, "contentBytes"))});
    }
  }
  if (out.recipients.empty() && out.subject.empty() && out.text.empty() && out.html.empty()) {
    return std::nullopt;
  }
  warn_of_others(out, message,
                 {"toRecipients", "ccRecipients", "bccRecipients", "replyTo", "subject", "from",
                  "body", "attachments", "comment", "message", "saveToSentItems"});
  return out;
}

std::string sendgrid_address(const json::value& one) {
  const auto name = text_at(&one, "name");
  const auto mail = text_at(&one, "email");
  return name.empty() ? mail : name + " <" + mail + ">";
}

std::optional<MessageText> of_sendgrid(const PlainRequest& request) {
  const auto body = http::parse_json(request.body);
  const auto* groups = body ? member(&*body, "personalizations") : nullptr;
  if (groups == nullptr || !groups->is_array()) return std::nullopt;
  MessageText out;
  out.kind = "email";
  out.subject = text_at(&*body, "subject");
  for (const auto& group : groups->get_array()) {
    for (const auto role : {"to", "cc", "bcc"}) {
      const auto* list = member(&group, role);
      if (list == nullptr || !list->is_array()) continue;
      for (const auto& one : list->get_array()) add_recipient(out, role, sendgrid_address(one));
    }
    add_text(out.subject, text_at(&group, "subject"));
    warn_of_others(out, &group, {"to", "cc", "bcc", "subject"});
  }
  if (const auto* from = member(&*body, "from")) out.from = sendgrid_address(*from);
  if (const auto* reply = member(&*body, "reply_to")) {
    add_recipient(out, "reply-to", sendgrid_address(*reply));
  }
  const auto* contents = member(&*body, "content");
  if (contents != nullptr && contents->is_array()) {
    for (const auto& one : contents->get_array()) {
      const bool html = equals_ignoring_case(text_at(&one, "type"), "text/html");
      add_text(html ? out.html : out.text, text_at(&one, "value"));
    }
  }
  const auto* files = member(&*body, "attachments");
  if (files != nullptr && files->is_array()) {
    for (const auto& file : files->get_array()) {
      add_attachment(out, {.name = text_at(&file, "filename"),
                           .type = text_at(&file, "type"),
                           .bytes = decoded_size(text_at(&file, "content"))});
    }
  }
  warn_of_others(out, &*body,
                 {"personalizations", "from", "reply_to", "subject", "content", "attachments"});
  return out;
}

// ---- Chat and text messages: a form or JSON with a few fields.

// The request's body, or its query, as one JSON object of texts, whatever it was sent as. A field
// that is there twice is shown joined.
std::optional<json::value> fields_of(const PlainRequest& request, MessageText& out) {
  const auto type = content_type(request);
  json::object all;
  const auto add = [&all](std::string_view name, std::string_view value) {
    auto& slot = all[json::string_view(name.data(), name.size())];
    auto text = std::string(view(slot));
    add_text(text, value);
    slot = json::string(text);
  };
  const auto query = request.target.find('?');
  if (query != std::string_view::npos) {
    for (const auto& [name, value] : http::parse_query(request.target.substr(query + 1))) {
      add(name, value);
    }
  }
  if (type.starts_with("application/json")) {
    auto body = http::parse_json(request.body);
    if (!body || !body->is_object()) return std::nullopt;
    for (const auto& entry : body->get_object()) all[entry.key()] = entry.value();
  } else if (type.starts_with("application/x-www-form-urlencoded")) {
    for (const auto& [name, value] : http::parse_query(request.body)) add(name, value);
  } else if (type.starts_with("multipart/")) {
    const auto parts = read_parts(type, request.body);
    if (!parts) return std::nullopt;
    for (const auto& part : *parts) {
      if (part.name.empty()) {
        auto content = std::string_view(part.content);
        if (content.ends_with("\r\n")) content.remove_suffix(2);
        add(part.field, content);
      } else {
        add_attachment(out, {.name = part.name, .type = part.type, .bytes = part.content.size()});
      }
    }
  } else if (!request.body.empty()) {
    return std::nullopt;
  }
  return json::value(std::move(all));
}

struct ChatFields {
  std::string_view kind;
  std::initializer_list<std::string_view> to;
  std::initializer_list<std::string_view> from;
  std::initializer_list<std::string_view> text;
};

std::optional<MessageText> of_chat(const PlainRequest& request, const ChatFields& names,
                                   std::string channel = {}) {
  MessageText out;
  out.kind = names.kind;
  const auto fields = fields_of(request, out);
  if (!fields) return std::nullopt;
  add_recipient(out, "channel", std::move(channel));
  std::vector<std::string_view> known;
  for (const auto name : names.to) {
    add_recipient(out, names.kind == "sms" ? "to" : "channel", text_at(&*fields, name));
  }
  for (const auto name : names.from) add_text(out.from, text_at(&*fields, name));
  for (const auto name : names.text) {
    const auto* value = member(&*fields, name);
    // WhatsApp: {"text": {"body": …}}.
    add_text(out.text, value != nullptr && value->is_object() ? text_at(value, "body")
                                                              : text_at(&*fields, name));
  }
  if (out.text.empty() && out.attachments.empty()) return std::nullopt;
  std::string others;
  for (const auto& entry : fields->get_object()) {
    const std::string_view key(entry.key());
    const auto is_one = [key](const auto& list) {
      return std::ranges::find(list, key) != list.end();
    };
    if (is_one(names.to) || is_one(names.from) || is_one(names.text) || others.size() > 200)
      continue;
    if (!others.empty()) others += ", ";
    others += key.substr(0, 64);
  }
  if (!others.empty())
    out.warnings.push_back("Only the body or the address shows: " + others + ".");
  return out;
}

// ".../channels/123/messages" has "123".
std::string segment_after(std::string_view path, std::string_view name) {
  const auto at = path.find(name);
  if (at == std::string_view::npos) return {};
  const auto rest = path.substr(at + name.size());
  return std::string(rest.substr(0, rest.find('/')));
}

}  // namespace

std::optional<MessageText> message_text(const PlainRequest& request, std::string_view service) {
  if (request.method == "GET" || request.method == "HEAD" || request.method == "DELETE") {
    return std::nullopt;
  }
  if (service == "gmail") return of_gmail(request);
  if (service == "microsoft-graph") return of_graph(request);
  if (service == "sendgrid") return of_sendgrid(request);
  if (service == "twilio") return of_chat(request, {"sms", {"To"}, {"From"}, {"Body"}});
  if (service == "slack") return of_chat(request, {"chat", {"channel"}, {"username"}, {"text"}});
  if (service == "telegram") {
    return of_chat(request, {"chat", {"chat_id"}, {}, {"text", "caption"}});
  }
  if (service == "discord") {
    return of_chat(request, {"chat", {}, {"username"}, {"content"}},
                   segment_after(path_of(request), "/channels/"));
  }
  if (service == "whatsapp-business") return of_chat(request, {"chat", {"to"}, {}, {"text"}});
  return std::nullopt;
}

}  // namespace deployclaw::services

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Mail as it is sent (RFC 5322, MIME), taken apart to be shown. Hostile input: bounded, pure. It
// reads what is common; what it does not know is shown as it stands.
namespace deployclaw::services {

using MailFields = std::vector<std::pair<std::string, std::string>>;

struct MailPart {
  std::string type;     // "text/plain", lower case
  std::string charset;  // lower case, "" when it is not said
  std::string name;     // of a file; "" for none
  std::string field;    // of a form (multipart/form-data); "" for none
  bool attached = false;
  std::string content;  // decoded from base64 or quoted-printable; bytes of `charset`
};

struct Mail {
  MailFields fields;            // unfolded, encoded words decoded (RFC 2047) where they are known
  std::vector<MailPart> parts;  // every leaf, in order
};

// nullopt for what has no head, is nested more than 8 deep, or has more than 64 parts.
std::optional<Mail> read_mail(std::string_view text);

// The leaves of a body of that type ("multipart/related; boundary=x"), as read_mail().
std::optional<std::vector<MailPart>> read_parts(std::string_view content_type,
                                                std::string_view body);

// The value of a parameter of a field ("boundary" of "multipart/mixed; boundary=x").
std::string field_parameter(std::string_view value, std::string_view name);

// ISO 8859-1 and windows-1252's share of it as UTF-8; other charsets as they are.
std::string as_utf8(std::string_view bytes, std::string_view charset);

}  // namespace deployclaw::services

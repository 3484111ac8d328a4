#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/canonical_request.hpp"

// What a request says to whom, where it is a message of a service that is known. Hostile input,
// pure.
namespace deployclaw::services {

struct MessageText {
  struct Recipient {
    std::string role;  // "to", "cc", "bcc", "reply-to", "channel"
    std::string address;
  };
  struct Attachment {
    std::string name;
    std::string type;
    std::uint64_t bytes = 0;
  };
  std::string kind;  // "email", "chat", "sms"
  std::string from;
  std::vector<Recipient> recipients;
  std::string subject;
  std::string text;
  std::string html;  // its source
  std::vector<Attachment> attachments;
  // What of the request is not in the above, in words.
  std::vector<std::string> warnings;
};

// Of Gmail, Microsoft Graph, SendGrid, Twilio, Slack, Telegram, Discord and WhatsApp Business (the
// catalogue's names). nullopt when the request is none of their messages, or is not understood:
// then it is shown as it stands, as it is in any case. At most 200 recipients and 64 attachments
// are listed.
std::optional<MessageText> message_text(const PlainRequest& request, std::string_view service);

}  // namespace deployclaw::services

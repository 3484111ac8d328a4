#pragma once

#include <array>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace deployclaw {

// A UUID (RFC 4122) of one kind: an AgentId cannot be passed where a ClientId is meant.
template <class Tag>
class Id {
 public:
  Id() = default;  // the nil UUID, meaning "none"

  // A fresh random (version 4) id.
  static Id random();
  // Accepts the 36-character form in either case; nullopt for anything else.
  static std::optional<Id> parse(std::string_view text);

  // Lower-case 36-character form.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_nil() const { return bytes_ == std::array<unsigned char, 16>{}; }
  [[nodiscard]] const std::array<unsigned char, 16>& bytes() const { return bytes_; }

  auto operator<=>(const Id&) const = default;

 private:
  std::array<unsigned char, 16> bytes_{};
};

struct ClientTag;
struct UserTag;
struct AgentTag;
struct DeploymentTag;
struct SessionTag;

using ClientId = Id<ClientTag>;
using UserId = Id<UserTag>;
using AgentId = Id<AgentTag>;
using DeploymentId = Id<DeploymentTag>;
using SessionId = Id<SessionTag>;

namespace detail {
std::array<unsigned char, 16> random_uuid();
std::optional<std::array<unsigned char, 16>> parse_uuid(std::string_view text);
std::string format_uuid(const std::array<unsigned char, 16>& bytes);
}  // namespace detail

template <class Tag>
Id<Tag> Id<Tag>::random() {
  Id id;
  id.bytes_ = detail::random_uuid();
  return id;
}

template <class Tag>
std::optional<Id<Tag>> Id<Tag>::parse(std::string_view text) {
  const auto bytes = detail::parse_uuid(text);
  if (!bytes) return std::nullopt;
  Id id;
  id.bytes_ = *bytes;
  return id;
}

template <class Tag>
std::string Id<Tag>::to_string() const {
  return detail::format_uuid(bytes_);
}

}  // namespace deployclaw

template <class Tag>
struct std::hash<deployclaw::Id<Tag>> {
  std::size_t operator()(const deployclaw::Id<Tag>& id) const noexcept {
    std::size_t h = 0;
    for (const unsigned char byte : id.bytes()) h = h * 131 + byte;
    return h;
  }
};

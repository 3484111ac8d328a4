#include "vault/key_check.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace deployclaw::vault {

Result<std::vector<KnownKey>> key_versions_of(const boost::json::object& status) {
  const auto ill_formed = [] {
    return fail(Code::kUnavailable, "the vault's status names no key versions");
  };
  const auto* list = status.if_contains("versions");
  if (list == nullptr || !list->is_array()) return ill_formed();
  std::vector<KnownKey> keys;
  for (const auto& entry : list->get_array()) {
    const auto* object = entry.if_object();
    const auto* version = object == nullptr ? nullptr : object->if_contains("version");
    const auto* check = object == nullptr ? nullptr : object->if_contains("check");
    if (version == nullptr || check == nullptr || !check->is_string()) return ill_formed();
    boost::system::error_code error;
    const auto number = version->to_number<std::uint32_t>(error);
    if (error) return ill_formed();
    keys.push_back({number, std::string(check->get_string())});
  }
  return keys;
}

Status check_key_versions(const std::vector<KnownKey>& known, const std::vector<KnownKey>& held) {
  for (const auto& key : known) {
    const auto found = std::ranges::find(held, key.version, &KnownKey::version);
    const std::string name = "master key v" + std::to_string(key.version);
    if (found == held.end()) {
      return fail(Code::kUnavailable, name +
                                          " is in use but the vault does not hold it: restore "
                                          "the key file from its backup and restart the vault");
    }
    if (found->check != key.check) {
      return fail(Code::kUnavailable, name + " is another key than the one in use (check " +
                                          found->check + ", expected " + key.check +
                                          "): restore the key file from its backup and restart "
                                          "the vault");
    }
  }
  return {};
}

}  // namespace deployclaw::vault

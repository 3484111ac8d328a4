#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace deployclaw::vault {

// The uids that roles run with. 0 is refused as a role's uid by make_policy.
struct RoleUids {
  uid_t api = 64202;
  uid_t orchestrator = 64203;
  uid_t egress = 64204;
};

enum class Operation { kSeal, kOpen, kReseal, kDerive, kCreateAuthority, kStatus, kRotate };
std::string_view to_string(Operation operation);

// What one caller may do, by purpose.
struct Grants {
  std::set<std::string, std::less<>> seal = {};  // and reseal
  std::set<std::string, std::less<>> open = {};
  std::set<std::string, std::less<>> derive = {};
  bool create_authority = false;  // of purpose client-ca
  bool status = true;
  bool rotate = false;
};

// Who may do what, by the uid the kernel names (SO_PEERCRED). Unknown uids may do nothing.
class CallerPolicy {
 public:
  CallerPolicy() = default;
  void set(uid_t uid, Grants grants) { grants_[uid] = std::move(grants); }
  // `purpose` is ignored for status and rotate.
  [[nodiscard]] bool allows(uid_t uid, Operation operation, std::string_view purpose) const;

 private:
  std::map<uid_t, Grants> grants_;
};

// The product's table: api seals every purpose, opens only totp and derives gateway
// tokens (for its proxy); orchestrator opens config, derives gateway tokens and has clients'
// authorities made, whose keys it cannot open; egress opens credentials, OAuth grants and those
// keys, and seals the grants that it renews, which nothing but egress reads; root asks for status
// and rotates, and can never open. False, and nothing set, when two roles share a uid or one is
// root: they would share rights.
bool make_policy(const RoleUids& uids, CallerPolicy& policy);

}  // namespace deployclaw::vault

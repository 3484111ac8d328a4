#include "vault/policy.hpp"

#include <set>

#include "vault/vault.hpp"

namespace deployclaw::vault {

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::kSeal:
      return "seal";
    case Operation::kOpen:
      return "open";
    case Operation::kReseal:
      return "reseal";
    case Operation::kDerive:
      return "derive";
    case Operation::kCreateAuthority:
      return "create_authority";
    case Operation::kStatus:
      return "status";
    case Operation::kRotate:
      return "rotate";
  }
  return "unknown";
}

bool CallerPolicy::allows(uid_t uid, Operation operation, std::string_view purpose) const {
  const auto found = grants_.find(uid);
  if (found == grants_.end()) return false;
  const Grants& grants = found->second;
  switch (operation) {
    case Operation::kSeal:
    case Operation::kReseal:
      return grants.seal.contains(purpose);
    case Operation::kOpen:
      return grants.open.contains(purpose);
    case Operation::kDerive:
      return grants.derive.contains(purpose);
    case Operation::kCreateAuthority:
      return grants.create_authority && purpose == kClientCa;
    case Operation::kStatus:
      return grants.status;
    case Operation::kRotate:
      return grants.rotate;
  }
  return false;
}

bool make_policy(const RoleUids& uids, CallerPolicy& policy) {
  // Two roles with one uid would have each other's rights, and root would have a role's.
  if (std::set<uid_t>{0, uids.api, uids.orchestrator, uids.egress}.size() != 4) return false;
  policy = CallerPolicy();
  policy.set(0, Grants{.rotate = true});
  policy.set(uids.api, Grants{.seal = {kCredential, kOAuthGrant, kConfig, kTotp},
                              .open = {kTotp},
                              .derive = {kGatewayToken}});
  policy.set(uids.orchestrator,
             Grants{.open = {kConfig}, .derive = {kGatewayToken}, .create_authority = true});
  policy.set(uids.egress,
             Grants{.seal = {kOAuthGrant}, .open = {kCredential, kOAuthGrant, kClientCa}});
  return true;
}

}  // namespace deployclaw::vault

#pragma once

#include <boost/json/object.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "db/database.hpp"
#include "egress/messages.hpp"
#include "store/egress.hpp"
#include "vault/vault.hpp"

namespace deployclaw::egress {

// A credential's grant as the supervisor names it: its nonce, different for every sealed value.
std::string grant_name(const boost::json::object& sealed_grant);

// Keeps tokens that workers have renewed: sealed at the vault and written in the place of the grant
// that was used, and of no other. Workers hear of it as of any change, through the table. One
// thread.
class GrantKeeper {
 public:
  GrantKeeper(db::Database& db, vault::Vault& vault, const Clock& clock)
      : db_(db), vault_(vault), clock_(clock) {}

  // `client` and `credential` are what the supervisor knows of the message's credential. Tries
  // again while vault or database are away: the refresh token it holds may be the only good one.
  // A message about another grant than `credential` has, or about one that was kept or is being
  // kept, is dropped: a worker that has been taken over gets no more work done than one renewal.
  Task<void> keep(store::EgressClient client, store::EgressCredential credential,
                  RenewedMessage message);

 private:
  Task<Result<bool>> try_to_keep(const store::EgressClient& client,
                                 const store::EgressCredential& credential,
                                 const RenewedMessage& message, Time expires_at);

  db::Database& db_;
  vault::Vault& vault_;
  const Clock& clock_;
  using Key = std::pair<AgentId, std::string>;
  std::set<Key> keeping_;
  std::map<Key, std::string> settled_;  // the last grant that was dealt with
};

}  // namespace deployclaw::egress

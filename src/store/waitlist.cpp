#include "store/waitlist.hpp"

namespace deployclaw::store {

constexpr db::Statement kJoinWaitlist{"join_waitlist", "SELECT waitlist.join($1, $2, $3, $4)"};

Task<Status> join_waitlist(db::Database& db, WaitlistEntry entry) {
  auto params = db::Params::of(entry.email, entry.name, entry.company, entry.message);
  const auto rows = co_await db.query(kJoinWaitlist, std::move(params));
  if (!rows) co_return context("join the waiting list", rows.error());
  co_return Status{};
}

}  // namespace deployclaw::store

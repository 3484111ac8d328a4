#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/task.hpp"
#include "db/database.hpp"

namespace deployclaw::egress {

// At most one egress process counts what a host's agents use: it holds an advisory lock in the
// database, by a transaction that stays open. While the database is away nobody else can have it,
// so it stays held; found with another process afterwards, it is lost.
class HostLock {
 public:
  // `on_change` is told each time that it is held, and when it is lost.
  HostLock(db::Database& db, std::string host, std::function<void(bool held)> on_change);
  // Until cancelled.
  Task<void> run();
  [[nodiscard]] bool held() const { return held_; }

 private:
  Task<Result<bool>> hold();
  void note_another();

  db::Database& db_;
  const std::string host_;
  const std::function<void(bool)> on_change_;
  bool held_ = false;
  bool told_ = false;
  int seen_another_ = 0;
};

}  // namespace deployclaw::egress

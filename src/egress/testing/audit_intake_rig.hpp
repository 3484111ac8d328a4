#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <thread>

#include "egress/audit_intake.hpp"
#include "egress/testing/audit_socket.hpp"
#include "net/testing/raw_client.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::egress::testing {

using net::testing::run_until;

// An intake over a spool in a folder of its own, whose syncs may take long or fail, and workers
// that say what a test wants.
class AuditIntakeRig : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kRoomy = 1ULL << 20;

  void start(std::uint64_t most_bytes = kRoomy, const std::string& folder = {}) {
    auto spool = Spool::open(folder.empty() ? directory.path() : folder, most_bytes, 1ULL << 24,
                             [this](int fd) {
                               std::this_thread::sleep_for(sync_takes.load());
                               return failing_syncs > 0 ? fail_sync() : fsync(fd);
                             });
    ASSERT_TRUE(spool);
    intake =
        std::make_unique<AuditIntake>(std::move(*spool), io.get_executor(), [this] { ++told; });
  }
  int fail_sync() {
    --failing_syncs;
    errno = EIO;
    return -1;
  }

  AuditSocket worker_of(ClientId owner) {
    AuditSocket socket(io, agent);
    intake->add_agents(owner, {agent});
    intake->add_worker(socket.other_end(), owner);
    return socket;
  }

  std::vector<SpoolRecord> durable() {
    std::vector<SpoolRecord> records;
    auto& spool = intake->spool();
    for (auto at = spool.begin(); at < spool.durable_end();) {
      auto stretch = spool.read(at, 64UL << 20);
      if (!stretch) throw std::runtime_error(stretch.error().message);
      at = stretch->end;
      std::ranges::copy_if(stretch->records, std::back_inserter(records),
                           [](const auto& one) { return one.kind != RecordKind::kOpen; });
    }
    return records;
  }
  std::size_t count(std::string_view part) {
    return static_cast<std::size_t>(
        std::ranges::count_if(durable(), [&](const auto& one) { return one.json.contains(part); }));
  }

  // Waits until `count` records are durable.
  std::vector<SpoolRecord> durable(std::size_t count) {
    run_until(io, [&] { return durable().size() >= count; });
    return durable();
  }

  const ClientId client = ClientId::random();
  const AgentId agent = AgentId::random();
  boost::asio::io_context io;
  vault::TemporaryDirectory directory;
  int told = 0;
  std::atomic<int> failing_syncs = 0;
  std::atomic<std::chrono::milliseconds> sync_takes{};
  std::unique_ptr<AuditIntake> intake;
};

}  // namespace deployclaw::egress::testing

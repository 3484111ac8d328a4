#include "orchestrator/authority.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <sstream>

#include "db/testing/postgres.hpp"
#include "net/testing/run_task.hpp"
#include "orchestrator/volumes.hpp"
#include "vault/sealing.hpp"
#include "vault/testing/in_memory_vault.hpp"

namespace deployclaw::orchestrator {
namespace {

namespace fs = std::filesystem;
using net::testing::run_task;

class CaBundleTest : public ::testing::Test {
 protected:
  CaBundleTest() {
    char path[] = "/tmp/dc-bundle-XXXXXX";
    home = mkdtemp(path);
    roots = home / "roots.crt";
    std::ofstream(roots) << "the host's roots";  // without a last newline
  }
  ~CaBundleTest() override { fs::remove_all(home); }

  static std::string read(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  fs::path home;
  fs::path roots;
};

TEST_F(CaBundleTest, HoldsTheHostsRootsAndTheClientsCertificate) {
  const fs::path file = home / "agents/a/ca-bundle.pem";
  const auto before = ::umask(0077);
  ASSERT_TRUE(write_ca_bundle(file, roots, "the client's\n"));
  ::umask(before);
  EXPECT_EQ(read(file), "the host's roots\nthe client's\n");
  struct stat seen{};
  ASSERT_EQ(::stat(file.c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 07777U, 0644U);
  ASSERT_TRUE(write_ca_bundle(file, roots, "another's\n"));
  EXPECT_EQ(read(file), "the host's roots\nanother's\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(file.parent_path()), {}), 1);
}

TEST_F(CaBundleTest, SaysWhatToDoWhenTheHostHasNoRoots) {
  const auto done = write_ca_bundle(home / "x.pem", home / "missing", "c");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kNotFound);
  EXPECT_NE(done.error().message.find("install"), std::string::npos);
  EXPECT_FALSE(fs::exists(home / "x.pem"));
}

TEST_F(CaBundleTest, GoesWithTheAgent) {
  boost::asio::io_context io;
  const auto volumes = make_loop_volumes(home, roots);
  const auto agent = AgentId::random();
  ASSERT_TRUE(run_task(io, volumes->write_ca_bundle(agent, "c\n")));
  EXPECT_TRUE(fs::exists(volumes->ca_bundle(agent)));
  // Not inside what the agent can write.
  const auto outside = volumes->ca_bundle(agent).lexically_relative(
      volumes->mountpoint(agent, domain::StateAccess::kWrite));
  EXPECT_TRUE(outside.string().starts_with(".."));
  ASSERT_TRUE(run_task(io, volumes->remove(agent)));
  EXPECT_FALSE(fs::exists(home / "agents" / agent.to_string()));
}

TEST(ClientAuthority, IsMadeOnceAndItsKeyOpensForTheClientAlone) {
  auto& postgres = db::testing::Postgres::shared();
  postgres.reset();
  const auto client = ClientId::random();
  postgres.run("INSERT INTO clients (id, name, email, vault_salt) VALUES ('" + client.to_string() +
               "', 'n', 'n@example.com', decode(repeat('00', 32), 'hex'))");
  boost::asio::io_context io;
  db::Database db(io.get_executor(),
                  db::Options{.conninfo = postgres.conninfo("deployclaw_orchestrator")});
  vault::InMemoryVault vault;
  const Bytes salt(vault::kClientSaltSize, 0);
  const auto first = run_task(io, ensure_client_authority(db, vault, client, salt));
  ASSERT_TRUE(first) << first.error().message;
  const auto second = run_task(io, ensure_client_authority(db, vault, client, salt));
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(postgres.run("SELECT count(*) FROM client_authorities"), "1");
  // A client that is gone gets none.
  const auto gone = run_task(io, ensure_client_authority(db, vault, ClientId::random(), salt));
  EXPECT_FALSE(gone);
  run_task(io, db.close());
}

}  // namespace
}  // namespace deployclaw::orchestrator

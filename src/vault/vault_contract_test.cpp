// What every Vault must do, run against the real one over its socket and the one in memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "crypto/certificates.hpp"
#include "net/unix_frames.hpp"
#include "vault/client.hpp"
#include "vault/service.hpp"
#include "vault/testing/contexts.hpp"
#include "vault/testing/in_memory_vault.hpp"
#include "vault/testing/run_task.hpp"
#include "vault/testing/temporary_directory.hpp"

namespace deployclaw::vault {
namespace {

Keyring one_key() {
  Keyring ring;
  if (!ring.add(Time{})) std::abort();
  return ring;
}

CallerPolicy allow_this_process() {
  CallerPolicy policy;
  policy.set(geteuid(), Grants{.seal = {kCredential, kConfig, kTotp},
                               .open = {kCredential, kConfig, kTotp, kClientCa},
                               .derive = {kGatewayToken},
                               .create_authority = true});
  return policy;
}

Task<std::string> answer(Service* service, net::PeerCredentials peer, std::string frame) {
  return service->handle(peer.uid, std::move(frame));
}

// A whole vault in this process, reached through a real socket.
class SocketVault {
 public:
  explicit SocketVault(boost::asio::io_context& io)
      : service_(one_key(), allow_this_process(), "", clock_, pool_),
        server_(
            io.get_executor(), path_, 0600,
            [this](net::PeerCredentials peer, std::string frame) {
              return answer(&service_, peer, std::move(frame));
            },
            kMaxVaultFrame),
        client_(io.get_executor(), path_) {
    if (!server_.start()) std::abort();
  }
  Vault& vault() { return client_; }

 private:
  ManualClock clock_;
  TemporaryDirectory directory_;
  std::string path_ = directory_.file("vault.sock");
  BlockingPool pool_{"test", 1};
  Service service_;
  net::FrameServer server_;
  VaultClient client_;
};

class MemoryVault {
 public:
  explicit MemoryVault(boost::asio::io_context&) {}
  Vault& vault() { return vault_; }

 private:
  InMemoryVault vault_;
};

template <class Holder>
class VaultContract : public testing::Test {
 protected:
  Result<boost::json::object> seal(const SealContext& context, std::string_view value) {
    return run_task(io_, vault().seal(context, Secret::copy_of(value)));
  }
  Result<Secret> open(const SealContext& context, const boost::json::object& row) {
    return run_task(io_, vault().open(context, row));
  }
  Vault& vault() { return holder_.vault(); }

  boost::asio::io_context io_;
  Holder holder_{io_};
};

using Vaults = testing::Types<SocketVault, MemoryVault>;
TYPED_TEST_SUITE(VaultContract, Vaults);

TYPED_TEST(VaultContract, OpensWhatItSealed) {
  const SealContext context = some_context();
  const std::string value("bytes \0 and \xff", 13);
  const auto row = this->seal(context, value);
  ASSERT_TRUE(row) << row.error().message;
  const auto opened = this->open(context, *row);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->expose_text(), value);
}

TYPED_TEST(VaultContract, SealsTheEmptyAndTheLargestValue) {
  const SealContext context = some_context();
  for (const std::size_t size : {std::size_t{0}, kMaxValueSize}) {
    const std::string value(size, 'v');
    const auto row = this->seal(context, value);
    ASSERT_TRUE(row) << row.error().message;
    const auto opened = this->open(context, *row);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(opened->expose_text() == value);
  }
  const auto larger = this->seal(context, std::string(kMaxValueSize + 1, 'v'));
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, Code::kTooLarge);
}

TYPED_TEST(VaultContract, RefusesRowsSwappedOrDamaged) {
  const SealContext a = some_context();
  SealContext b = a;
  b.agent = AgentId::random();
  auto row = this->seal(a, "for a").value();
  EXPECT_EQ(this->open(b, row).error().code, Code::kCorrupt);
  row["ciphertext"] = "AAAA";
  EXPECT_EQ(this->open(a, row).error().code, Code::kCorrupt);
  row.erase("iv");
  EXPECT_EQ(this->open(a, row).error().code, Code::kCorrupt);
}

TYPED_TEST(VaultContract, RefusesContextsOutOfBounds) {
  SealContext context = some_context();
  context.client_salt.clear();
  EXPECT_EQ(this->seal(context, "v").error().code, Code::kInvalid);
}

TYPED_TEST(VaultContract, SaysWhenItDoesNotHoldAKeyVersion) {
  const SealContext context = some_context();
  auto row = this->seal(context, "v").value();
  row["keyVersion"] = 9;
  EXPECT_EQ(this->open(context, row).error().code, Code::kUnavailable);
}

TYPED_TEST(VaultContract, ResealsToARowThatOpens) {
  const SealContext context = some_context();
  const auto row = this->seal(context, "again").value();
  const auto resealed = run_task(this->io_, this->vault().reseal(context, row));
  ASSERT_TRUE(resealed);
  EXPECT_EQ(this->open(context, *resealed)->expose_text(), "again");
}

TYPED_TEST(VaultContract, DerivesAStableTokenForEachAgent) {
  const SealContext context = some_context();
  TokenContext token{
      .client = context.client, .client_salt = context.client_salt, .agent = context.agent};
  const auto first = run_task(this->io_, this->vault().derive_token(token));
  const auto second = run_task(this->io_, this->vault().derive_token(token));
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->token.equals(second->token));
  EXPECT_EQ(first->key_version, 1U);
  token.agent = AgentId::random();
  const auto other = run_task(this->io_, this->vault().derive_token(token));
  EXPECT_FALSE(first->token.equals(other->token));
}

TYPED_TEST(VaultContract, MakesAnAuthorityWhoseKeyOpensAndMints) {
  const SealContext context = client_ca_context(ClientId::random(), Bytes(kClientSaltSize, 1));
  const auto made = run_task(this->io_, this->vault().create_authority(context));
  ASSERT_TRUE(made) << made.error().message;
  const auto key = this->open(context, made->sealed);
  ASSERT_TRUE(key) << key.error().message;
  const auto minter = crypto::LeafMinter::create(made->certificate, *key);
  ASSERT_TRUE(minter);
  EXPECT_TRUE(minter->mint("api.example.com", SystemClock{}.now()));
  // Each call makes another; another client's does not open it.
  const auto second = run_task(this->io_, this->vault().create_authority(context));
  ASSERT_TRUE(second);
  EXPECT_NE(second->certificate, made->certificate);
  SealContext other = context;
  other.client = ClientId::random();
  EXPECT_EQ(this->open(other, made->sealed).error().code, Code::kCorrupt);
}

TYPED_TEST(VaultContract, MakesAnAuthorityForAClientAsAWholeOnly) {
  const SealContext good = client_ca_context(ClientId::random(), Bytes(kClientSaltSize, 1));
  SealContext of_agent = good;
  of_agent.agent = AgentId::random();
  SealContext named = good;
  named.name = "other";
  SealContext saltless = good;
  saltless.client_salt.clear();
  for (const SealContext& context : {of_agent, named, saltless}) {
    const auto made = run_task(this->io_, this->vault().create_authority(context));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::kInvalid);
  }
}

TEST(VaultClient, FailsClosedWhenNobodyListens) {
  boost::asio::io_context io;
  const TemporaryDirectory directory;
  VaultClient client(io.get_executor(), directory.file("nobody.sock"));
  const auto row = run_task(io, client.seal(some_context(), Secret::copy_of("v")));
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().code, Code::kUnavailable);
}

Task<std::string> never(net::PeerCredentials, std::string) {
  co_await sleep_for(std::chrono::hours(1));
  co_return "";
}

TEST(VaultClient, FailsClosedWhenTheVaultDoesNotAnswerInTime) {
  boost::asio::io_context io;
  const TemporaryDirectory directory;
  net::FrameServer server(io.get_executor(), directory.file("s"), 0600, never);
  ASSERT_TRUE(server.start());
  VaultClient client(io.get_executor(), directory.file("s"), std::chrono::milliseconds(20));
  const auto opened = run_task(io, client.open(some_context(), {}));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
}

TEST(InMemoryVault, AnswersUnavailableWhileItIsDown) {
  boost::asio::io_context io;
  InMemoryVault vault;
  vault.set_down(true);
  EXPECT_EQ(run_task(io, vault.seal(some_context(), Secret())).error().code, Code::kUnavailable);
  vault.set_down(false);
  EXPECT_TRUE(run_task(io, vault.seal(some_context(), Secret())));
}

}  // namespace
}  // namespace deployclaw::vault

#include "crypto/certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace deployclaw::crypto {
namespace {

using namespace std::chrono_literals;

std::string pem_of(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

// The openssl program, which shares no code of ours, in a folder of its own.
class CertificatesTest : public ::testing::Test {
 protected:
  CertificatesTest() : now_(SystemClock{}.now()) {
    char pattern[] = "/tmp/deployclaw-certificates-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    auto made = make_authority("Egress authority of a test", now_);
    EXPECT_TRUE(made);
    authority_ = *std::move(made);
    write("ca.pem", authority_.certificate_pem);
  }
  ~CertificatesTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, std::string_view text) const {
    std::ofstream(directory_ + "/" + name) << text;
  }
  // What `openssl <arguments>` prints, with "exit 0" or another number at its end.
  [[nodiscard]] std::string openssl(const std::string& arguments) const {
    const std::string command =
        "cd " + directory_ + " && openssl " + arguments + " 2>&1; echo exit $?";
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string out;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
    ::pclose(pipe);
    return out;
  }
  [[nodiscard]] LeafMinter minter() const {
    auto made = LeafMinter::create(authority_.certificate_pem, authority_.private_key_pem);
    EXPECT_TRUE(made);
    return *std::move(made);
  }
  void write_leaf(const LeafMinter& minter, const std::string& host, Time when) const {
    const auto leaf = minter.mint(host, when);
    ASSERT_TRUE(leaf);
    write("leaf.pem", pem_of(leaf->get()));
  }

  Time now_;
  std::string directory_;
  Authority authority_;
};

TEST_F(CertificatesTest, AnAuthorityIsACaThatSignsCertificatesAndNothingElse) {
  const std::string text = openssl("x509 -in ca.pem -noout -text");
  EXPECT_TRUE(text.contains("CA:TRUE, pathlen:0")) << text;
  EXPECT_TRUE(text.contains("X509v3 Basic Constraints: critical")) << text;
  EXPECT_TRUE(text.contains("X509v3 Key Usage: critical\n                Certificate Sign\n"))
      << text;
  EXPECT_TRUE(text.contains("X509v3 Subject Key Identifier")) << text;
  EXPECT_TRUE(text.contains("X509v3 Authority Key Identifier")) << text;
  EXPECT_TRUE(text.contains("NIST CURVE: P-256")) << text;
  EXPECT_TRUE(text.contains("Subject: CN = Egress authority of a test")) << text;
  const std::string verified = openssl("verify -x509_strict -CAfile ca.pem ca.pem");
  EXPECT_TRUE(verified.contains("ca.pem: OK")) << verified;
}

TEST_F(CertificatesTest, AnAuthorityIsValidForTenYears) {
  const auto checked_at = [&](Time when) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
    return openssl("verify -attime " + std::to_string(seconds) + " -CAfile ca.pem ca.pem")
        .contains("exit 0");
  };
  EXPECT_TRUE(checked_at(now_ - 23h));
  EXPECT_FALSE(checked_at(now_ - 25h));
  EXPECT_TRUE(checked_at(now_ + kAuthorityValidity - 1h));
  EXPECT_FALSE(checked_at(now_ + kAuthorityValidity + 1h));
}

TEST_F(CertificatesTest, TwoAuthoritiesShareNothing) {
  const auto other = make_authority("Egress authority of a test", now_);
  ASSERT_TRUE(other);
  EXPECT_NE(other->certificate_pem, authority_.certificate_pem);
  EXPECT_FALSE(other->private_key_pem.equals(authority_.private_key_pem));
  write_leaf(minter(), "api.example.com", now_);
  write("other.pem", other->certificate_pem);
  EXPECT_FALSE(openssl("verify -CAfile other.pem leaf.pem").contains("exit 0"));
  // One's certificate with the other's key is no authority.
  EXPECT_FALSE(LeafMinter::create(other->certificate_pem, authority_.private_key_pem));
}

TEST_F(CertificatesTest, ALeafVerifiesForItsHostAndNoOther) {
  write_leaf(minter(), "api.example.com", now_);
  const std::string verify = "verify -x509_strict -purpose sslserver -CAfile ca.pem ";
  const std::string good = openssl(verify + "-verify_hostname api.example.com leaf.pem");
  EXPECT_TRUE(good.contains("leaf.pem: OK")) << good;
  for (const char* other : {"example.com", "x.api.example.com", "api.example.org"}) {
    EXPECT_FALSE(openssl(verify + "-verify_hostname " + other + " leaf.pem").contains("exit 0"));
  }
  EXPECT_FALSE(openssl("verify -purpose sslclient -CAfile ca.pem leaf.pem").contains("exit 0"));
}

TEST_F(CertificatesTest, ALeafIsValidFromYesterdayForAWeek) {
  const LeafMinter minter = this->minter();
  const std::string verify = "verify -CAfile ca.pem leaf.pem";
  write_leaf(minter, "a.example", now_);
  EXPECT_TRUE(openssl(verify).contains("exit 0"));
  write_leaf(minter, "a.example", now_ + LeafMinter::kBefore - 1h);
  EXPECT_TRUE(openssl(verify).contains("exit 0"));
  write_leaf(minter, "a.example", now_ + LeafMinter::kBefore + 1h);
  EXPECT_TRUE(openssl(verify).contains("not yet valid"));
  write_leaf(minter, "a.example", now_ - LeafMinter::kAfter + 1h);
  EXPECT_TRUE(openssl(verify).contains("exit 0"));
  write_leaf(minter, "a.example", now_ - LeafMinter::kAfter - 1h);
  EXPECT_TRUE(openssl(verify).contains("expired"));
}

TEST_F(CertificatesTest, ALongNameStandsInTheAlternativeNameAlone) {
  const std::string host = std::string(60, 'a') + ".example.com";
  write_leaf(minter(), host, now_);
  const std::string verified =
      openssl("verify -x509_strict -CAfile ca.pem -verify_hostname " + host + " leaf.pem");
  EXPECT_TRUE(verified.contains("exit 0")) << verified;
}

TEST_F(CertificatesTest, LeavesHaveDifferentSerials) {
  const LeafMinter minter = this->minter();
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i) {
    const auto leaf = minter.mint("api.example.com", now_);
    ASSERT_TRUE(leaf);
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf->get()), nullptr);
    char* hex = BN_bn2hex(number);
    serials.insert(hex);
    EXPECT_FALSE(BN_is_negative(number));
    OPENSSL_free(hex);
    BN_free(number);
  }
  EXPECT_EQ(serials.size(), 50U);
}

TEST_F(CertificatesTest, WhatIsNoHostIsNotMinted) {
  const LeafMinter minter = this->minter();
  for (const std::string_view host :
       {"", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "A.example", "a b", "*.example.com",
        "10.0.0.1", "a.1", "a,DNS:b", "a\nb", "_a.example", "ä.example", "[::1]"}) {
    EXPECT_FALSE(minter.mint(host, now_)) << host;
  }
  EXPECT_FALSE(is_certificate_host(std::string(64, 'a') + ".example"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  longest += "a";  // 253 bytes
  EXPECT_TRUE(is_certificate_host(longest));
  EXPECT_FALSE(is_certificate_host("b." + longest));
  EXPECT_TRUE(is_certificate_host("localhost"));
  EXPECT_TRUE(is_certificate_host("xn--bcher-kva.example"));
  EXPECT_TRUE(is_certificate_host("1.1.1.1.a1"));
}

TEST_F(CertificatesTest, WhatIsNoAuthorityMintsNothing) {
  EXPECT_FALSE(LeafMinter::create("", authority_.private_key_pem));
  EXPECT_FALSE(LeafMinter::create(authority_.certificate_pem, Secret::copy_of("nonsense")));
  EXPECT_FALSE(LeafMinter::create(authority_.certificate_pem, Secret()));
  EXPECT_FALSE(make_authority("", now_));
  EXPECT_FALSE(make_authority(std::string(65, 'x'), now_));
  EXPECT_FALSE(make_authority("\xff", now_));
}

}  // namespace
}  // namespace deployclaw::crypto

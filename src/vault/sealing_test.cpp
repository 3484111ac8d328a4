#include "vault/sealing.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "vault/testing/contexts.hpp"

namespace deployclaw::vault {
namespace {

Keyring ring_of(int versions) {
  Keyring ring;
  for (int i = 0; i < versions; ++i) {
    if (!ring.add(Time{})) std::abort();
  }
  return ring;
}

Secret text(std::string_view value) { return Secret::copy_of(value); }

Bytes member(const boost::json::object& row, const char* name) {
  return base64_decode(std::string_view(row.at(name).as_string())).value();
}

RC_GTEST_PROP(SealingProperty, OpensWhatItSealed, (const Bytes& value)) {
  const Keyring ring = ring_of(1);
  SealContext context = some_context(*rc::gen::element<std::string>(kCredential, kConfig, kTotp));
  if (*rc::gen::arbitrary<bool>()) context.agent = AgentId();
  const auto row = seal(ring, context, Secret::copy_of(value));
  RC_ASSERT(row.has_value());
  const auto opened = open(ring, context, *row);
  RC_ASSERT(opened.has_value());
  RC_ASSERT(equal_constant_time(opened->expose(), value));
}

RC_GTEST_PROP(SealingProperty, RefusesAnyBitFlippedInTheRow, (const Bytes& value)) {
  const Keyring ring = ring_of(1);
  const SealContext context = some_context();
  auto row = seal(ring, context, Secret::copy_of(value)).value();
  const char* name = *rc::gen::element("iv", "ciphertext", "tag");
  Bytes bytes = member(row, name);
  RC_PRE(!bytes.empty());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  bytes[at] ^= static_cast<unsigned char>(1U << *rc::gen::inRange(0U, 8U));
  row[name] = base64_encode(bytes);
  const auto opened = open(ring, context, row);
  RC_ASSERT(!opened.has_value());
  RC_ASSERT(opened.error().code == Code::kCorrupt);
}

RC_GTEST_PROP(SealingProperty, RefusesAnyOtherContext, ()) {
  const Keyring ring = ring_of(1);
  const SealContext context = some_context();
  const auto row = seal(ring, context, text("value")).value();
  SealContext other = context;
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      other.client = ClientId::random();
      break;
    case 1:
      other.client_salt[*rc::gen::inRange<std::size_t>(0, kClientSaltSize)] ^=
          static_cast<unsigned char>(1U << *rc::gen::inRange(0U, 8U));
      break;
    case 2:
      other.agent = AgentId::random();
      break;
    case 3:
      other.agent = AgentId();
      break;
    case 4:
      other.name += *rc::gen::element<std::string>("_", " ", "A");
      break;
    default:
      other.purpose = *rc::gen::element<std::string>(kConfig, kTotp);
      break;
  }
  const auto opened = open(ring, other, row);
  RC_ASSERT(!opened.has_value());
  RC_ASSERT(opened.error().code == Code::kCorrupt);
}

RC_GTEST_PROP(SealingProperty, KeepsOldRowsReadableOverRotations, (const Bytes& value)) {
  Keyring ring = ring_of(1);
  const SealContext context = some_context();
  const auto old_row = seal(ring, context, Secret::copy_of(value)).value();
  const int rotations = *rc::gen::inRange(1, 5);
  for (int i = 0; i < rotations; ++i) RC_ASSERT(ring.add(Time{}).has_value());
  RC_ASSERT(equal_constant_time(open(ring, context, old_row).value().expose(), value));

  const auto new_row = reseal(ring, context, old_row).value();
  RC_ASSERT(new_row.at("keyVersion").to_number<int>() == rotations + 1);
  RC_ASSERT(equal_constant_time(open(ring, context, new_row).value().expose(), value));
}

// What the associated data is for: no two different contexts may be encoded alike, wherever the
// border between name and purpose lies.
RC_GTEST_PROP(SealingProperty, EncodesDifferentContextsDifferently,
              (const std::string& name, const std::string& purpose)) {
  SealContext one = some_context();
  one.name = name;
  one.purpose = purpose;
  SealContext other = one;
  const std::string joined = name + purpose;
  const auto border = *rc::gen::inRange<std::size_t>(0, joined.size() + 1);
  other.name = joined.substr(0, border);
  other.purpose = joined.substr(border);
  const bool same = one.name == other.name && one.purpose == other.purpose;
  RC_ASSERT((associated_data(one, 1) == associated_data(other, 1)) == same);
  RC_ASSERT(associated_data(one, 1) != associated_data(one, 2));
}

TEST(Sealing, RefusesTwoRowsSwapped) {
  const Keyring ring = ring_of(1);
  const SealContext a = some_context();
  SealContext b = a;
  b.name = "TELEGRAM_TOKEN";
  const auto row_a = seal(ring, a, text("for a")).value();
  const auto row_b = seal(ring, b, text("for b")).value();
  EXPECT_EQ(open(ring, a, row_b).error().code, Code::kCorrupt);
  EXPECT_EQ(open(ring, b, row_a).error().code, Code::kCorrupt);
  EXPECT_EQ(open(ring, a, row_a).value().expose_text(), "for a");
}

TEST(Sealing, BindsTheKeyVersionEvenWhenTwoVersionsShareAKey) {
  const std::string key = base64_encode(Bytes(32, 9));
  const auto ring = Keyring::parse(text("v1 " + key + "\nv2 " + key));
  ASSERT_TRUE(ring);
  const SealContext context = some_context();
  auto row = seal(*ring, context, text("value")).value();
  ASSERT_EQ(row.at("keyVersion").as_uint64(), 2U);
  row["keyVersion"] = 1;
  EXPECT_EQ(open(*ring, context, row).error().code, Code::kCorrupt);
}

TEST(Sealing, FailsClosedWithAClearTextWhenTheKeyVersionIsMissing) {
  const SealContext context = some_context();
  const auto row = seal(ring_of(3), context, text("value")).value();
  const auto opened = open(ring_of(2), context, row);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kUnavailable);
  EXPECT_NE(opened.error().message.find("v3 is not in the key ring"), std::string::npos);
  EXPECT_EQ(open(ring_of(3), context, row).error().code, Code::kCorrupt);
}

TEST(Sealing, NeverBlessesADamagedRowByResealing) {
  Keyring ring = ring_of(1);
  const SealContext context = some_context();
  auto row = seal(ring, context, text("value")).value();
  EXPECT_EQ(reseal(ring, context, row).value(), row);
  row["tag"] = base64_encode(Bytes(16, 0));
  EXPECT_EQ(reseal(ring, context, row).error().code, Code::kCorrupt);
  ASSERT_TRUE(ring.add(Time{}));
  EXPECT_EQ(reseal(ring, context, row).error().code, Code::kCorrupt);
}

TEST(Sealing, RefusesContextsAndValuesOutOfBounds) {
  const Keyring ring = ring_of(1);
  const SealContext good = some_context();
  const auto refused = [&ring](const SealContext& context) {
    const auto sealed = seal(ring, context, text("v"));
    return !sealed && sealed.error().code == Code::kInvalid;
  };
  SealContext bad = good;
  bad.client = ClientId();
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.client_salt.pop_back();
  EXPECT_TRUE(refused(bad));
  for (const std::string& name : {std::string(), std::string(256, 'n'), std::string("\xff")}) {
    bad = good;
    bad.name = name;
    EXPECT_TRUE(refused(bad));
  }
  for (const char* purpose : {"", "Credential", "gateway-token", "other"}) {
    bad = good;
    bad.purpose = purpose;
    EXPECT_TRUE(refused(bad));
  }
  EXPECT_EQ(seal(ring, good, Secret::random(kMaxValueSize + 1)).error().code, Code::kTooLarge);
  EXPECT_TRUE(seal(ring, good, Secret::random(kMaxValueSize)));
}

TEST(Sealing, RefusesRowsNotOfTheDocumentedForm) {
  const Keyring ring = ring_of(1);
  const SealContext context = some_context();
  const auto good = seal(ring, context, text("value")).value();
  const auto refused = [&](const char* name, const auto& value) {
    auto row = good;
    row[name] = value;
    const auto opened = open(ring, context, row);
    return !opened && opened.error().code == Code::kCorrupt;
  };
  EXPECT_TRUE(refused("extra", 1));
  EXPECT_TRUE(refused("iv", nullptr));
  EXPECT_TRUE(refused("iv", base64_encode(Bytes(16, 0))));
  EXPECT_TRUE(refused("tag", base64_encode(Bytes(12, 0))));
  EXPECT_TRUE(refused("tag", base64_encode(Bytes())));
  EXPECT_TRUE(refused("ciphertext", "not base64!"));
  EXPECT_TRUE(refused("keyVersion", "1"));
  EXPECT_TRUE(refused("keyVersion", 0));
  EXPECT_TRUE(refused("keyVersion", -1));
  EXPECT_TRUE(refused("keyVersion", 1.0));
  EXPECT_TRUE(refused("keyVersion", 4294967297));
  auto short_row = good;
  short_row.erase("tag");
  EXPECT_EQ(open(ring, context, short_row).error().code, Code::kCorrupt);
}

TokenContext token_context() {
  const SealContext context = some_context();
  return {.client = context.client, .client_salt = context.client_salt, .agent = context.agent};
}

TEST(DeriveToken, IsTheSameForTheSameAgentAlone) {
  const Keyring ring = ring_of(1);
  const TokenContext context = token_context();
  const auto token = derive_token(ring, context);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token.size(), 43U);
  EXPECT_EQ(token->key_version, 1U);
  EXPECT_TRUE(token->token.equals(derive_token(ring, context)->token));
  TokenContext other = context;
  other.agent = AgentId::random();
  EXPECT_FALSE(token->token.equals(derive_token(ring, other)->token));
  other = context;
  other.client = ClientId::random();
  EXPECT_FALSE(token->token.equals(derive_token(ring, other)->token));
  other = context;
  other.client_salt[0] ^= 1;
  EXPECT_FALSE(token->token.equals(derive_token(ring, other)->token));
}

TEST(DeriveToken, SurvivesARotationUntilAnotherVersionIsAskedFor) {
  Keyring ring = ring_of(1);
  TokenContext context = token_context();
  const auto before = derive_token(ring, context);
  ASSERT_TRUE(ring.add(Time{}));
  EXPECT_TRUE(derive_token(ring, context)->token.equals(before->token));
  context.key_version = 2;
  const auto after = derive_token(ring, context);
  EXPECT_EQ(after->key_version, 2U);
  EXPECT_FALSE(after->token.equals(before->token));
  context.key_version = 3;
  EXPECT_EQ(derive_token(ring, context).error().code, Code::kUnavailable);
}

TEST(DeriveToken, RefusesAnIncompleteContext) {
  const Keyring ring = ring_of(1);
  TokenContext bad = token_context();
  bad.agent = AgentId();
  EXPECT_EQ(derive_token(ring, bad).error().code, Code::kInvalid);
  bad = token_context();
  bad.purpose = kCredential;
  EXPECT_EQ(derive_token(ring, bad).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace deployclaw::vault

#include "vault/sealing.hpp"

#include <algorithm>
#include <boost/json/value.hpp>
#include <limits>
#include <optional>

#include "crypto/aead.hpp"
#include "crypto/certificates.hpp"
#include "crypto/hkdf.hpp"

namespace deployclaw::vault {
namespace {

constexpr std::string_view kClientInfo = "deployclaw/client/v1";
constexpr std::string_view kTokenInfo = "deployclaw/gateway-token/v1";
constexpr std::size_t kTokenBytes = 32;
const std::string kAuthorityPrefix = "Agent egress authority ";

void append(Bytes& out, std::span<const unsigned char> data) {
  out.insert(out.end(), data.begin(), data.end());
}

void append_u32(Bytes& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out.push_back(static_cast<unsigned char>((value >> shift) & 0xFFU));
  }
}

void append_field(Bytes& out, std::span<const unsigned char> data) {
  append_u32(out, static_cast<std::uint32_t>(data.size()));
  append(out, data);
}

Status check_context(const SealContext& context) {
  if (context.client.is_nil()) return fail(Code::kInvalid, "seal context: no client");
  if (context.client_salt.size() != kClientSaltSize) {
    return fail(Code::kInvalid, "seal context: the client salt is not 32 bytes");
  }
  if (context.name.empty() || context.name.size() > kMaxNameSize || !is_utf8(context.name)) {
    return fail(Code::kInvalid, "seal context: the name is not 1 to 255 bytes of UTF-8");
  }
  if (context.purpose != kCredential && context.purpose != kConfig && context.purpose != kTotp &&
      context.purpose != kClientCa && context.purpose != kOAuthGrant) {
    return fail(Code::kInvalid, "seal context: unknown purpose");
  }
  return {};
}

struct Row {
  crypto::AeadBox box;
  std::uint32_t key_version = 0;
};

std::optional<Bytes> base64_member(const boost::json::object& row, const char* name) {
  const auto* member = row.if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return base64_decode(std::string_view(member->get_string()));
}

// A stored row, taken strictly: four members, their exact sizes.
Result<Row> parse_row(const boost::json::object& sealed) {
  const auto iv = base64_member(sealed, "iv");
  auto ciphertext = base64_member(sealed, "ciphertext");
  const auto tag = base64_member(sealed, "tag");
  const auto* version = sealed.if_contains("keyVersion");
  Row row;
  if (sealed.size() != 4 || !iv || !ciphertext || !tag || version == nullptr ||
      iv->size() != row.box.iv.size() || tag->size() != row.box.tag.size() ||
      ciphertext->size() > kMaxValueSize) {
    return fail(Code::kCorrupt, "sealed value is not of the documented form");
  }
  boost::system::error_code error;
  const auto number = version->to_number<std::uint32_t>(error);
  if (error || number == 0 || version->is_double()) {
    return fail(Code::kCorrupt, "sealed value has no valid key version");
  }
  std::copy(iv->begin(), iv->end(), row.box.iv.begin());
  std::copy(tag->begin(), tag->end(), row.box.tag.begin());
  row.box.ciphertext = *std::move(ciphertext);
  row.key_version = number;
  return row;
}

Result<Secret> client_key_of(const Keyring& keyring, std::uint32_t version, ClientId client,
                             const Bytes& client_salt) {
  const auto master = keyring.key(version);
  if (!master) return fail(master.error());
  return client_key(*master, client, client_salt);
}

Result<Secret> open_row(const Keyring& keyring, const SealContext& context, const Row& row) {
  const auto key = client_key_of(keyring, row.key_version, context.client, context.client_salt);
  if (!key) return fail(key.error());
  return crypto::aead_open(key->expose().first<crypto::kAeadKeySize>(), row.box,
                           associated_data(context, row.key_version));
}

}  // namespace

Result<Secret> client_key(Keyring::Key master, ClientId client, const Bytes& client_salt) {
  Bytes salt;
  append(salt, client.bytes());
  append(salt, client_salt);
  return crypto::hkdf_sha256(master, salt, bytes_of(kClientInfo), crypto::kAeadKeySize);
}

Bytes associated_data(const SealContext& context, std::uint32_t key_version) {
  Bytes out;
  append_field(out, context.client.bytes());
  if (context.agent.is_nil()) {
    append_field(out, {});
  } else {
    append_field(out, context.agent.bytes());
  }
  append_field(out, bytes_of(context.name));
  append_field(out, bytes_of(context.purpose));
  append_u32(out, sizeof key_version);
  append_u32(out, key_version);
  return out;
}

Result<boost::json::object> seal(const Keyring& keyring, const SealContext& context,
                                 const Secret& value) {
  if (auto checked = check_context(context); !checked) return fail(checked.error());
  if (value.size() > kMaxValueSize) return fail(Code::kTooLarge, "value is larger than 64 KiB");
  const std::uint32_t version = keyring.newest();
  const auto key = client_key_of(keyring, version, context.client, context.client_salt);
  if (!key) return fail(key.error());
  const auto box = crypto::aead_seal(key->expose().first<crypto::kAeadKeySize>(), value.expose(),
                                     associated_data(context, version));
  if (!box) return fail(box.error());
  boost::json::object sealed;
  sealed["iv"] = base64_encode(box->iv);
  sealed["ciphertext"] = base64_encode(box->ciphertext);
  sealed["tag"] = base64_encode(box->tag);
  sealed["keyVersion"] = version;
  return sealed;
}

Result<Secret> open(const Keyring& keyring, const SealContext& context,
                    const boost::json::object& sealed) {
  if (auto checked = check_context(context); !checked) return fail(checked.error());
  const auto row = parse_row(sealed);
  if (!row) return fail(row.error());
  return open_row(keyring, context, *row);
}

Result<boost::json::object> reseal(const Keyring& keyring, const SealContext& context,
                                   const boost::json::object& sealed) {
  if (auto checked = check_context(context); !checked) return fail(checked.error());
  const auto row = parse_row(sealed);
  if (!row) return fail(row.error());
  // Opened even when it is the newest already: resealing must never bless a row that is damaged.
  const auto value = open_row(keyring, context, *row);
  if (!value) return fail(value.error());
  if (row->key_version == keyring.newest()) return sealed;
  return seal(keyring, context, *value);
}

Result<SealedAuthority> create_authority(const Keyring& keyring, const SealContext& context,
                                         Time now) {
  if (context.purpose != kClientCa || context.name != kClientCaName || !context.agent.is_nil()) {
    return fail(Code::kInvalid, "an authority belongs to a client as a whole");
  }
  const auto made = crypto::make_authority(kAuthorityPrefix + context.client.to_string(), now);
  if (!made) return fail(made.error());
  auto sealed = seal(keyring, context, made->private_key_pem);
  if (!sealed) return fail(std::move(sealed).error());
  return SealedAuthority{.certificate = made->certificate_pem, .sealed = *std::move(sealed)};
}

Result<DerivedToken> derive_token(const Keyring& keyring, const TokenContext& context) {
  if (context.client.is_nil() || context.agent.is_nil() ||
      context.client_salt.size() != kClientSaltSize) {
    return fail(Code::kInvalid, "token context: needs a client, its salt and an agent");
  }
  if (context.purpose != kGatewayToken) return fail(Code::kInvalid, "token: unknown purpose");
  const std::uint32_t version = context.key_version == 0 ? keyring.oldest() : context.key_version;
  const auto key = client_key_of(keyring, version, context.client, context.client_salt);
  if (!key) return fail(key.error());
  Bytes info;
  append(info, bytes_of(kTokenInfo));
  append(info, context.agent.bytes());
  const auto raw = crypto::hkdf_sha256(key->expose(), {}, info, kTokenBytes);
  if (!raw) return fail(raw.error());
  return DerivedToken{Secret::take(base64url_encode(raw->expose())), version};
}

}  // namespace deployclaw::vault

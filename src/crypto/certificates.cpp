#include "crypto/certificates.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "crypto/openssl_handles.hpp"

namespace deployclaw::crypto {
namespace {

constexpr std::size_t kMaxCommonName = 64;  // RFC 5280 appendix A.1, ub-common-name

// OpenSSL keeps a queue of errors per thread; what is left there would be taken for the next
// call's.
std::unexpected<Error> openssl_failed(const char* what) {
  ERR_clear_error();
  return fail(Code::kInternal, std::string("X.509: cannot ") + what);
}

Key new_key() { return Key(EVP_EC_gen("P-256")); }

// 128 random bits, positive as RFC 5280 §4.1.2.2 wants it.
bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  random_bytes(bytes);
  const Number number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, Time from, Time to) {
  const auto seconds = [](Time time) {
    return static_cast<time_t>(
        std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
  };
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(to)) != nullptr;
}

bool set_common_name(X509* certificate, std::string_view name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, bytes_of(name).data(),
                                    static_cast<int>(name.size()), -1, 0) == 1;
}

// A blank certificate: version 3, a random serial, `key`.
Certificate blank_certificate(EVP_PKEY* key, Time from, Time to) {
  Certificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get()) || !set_validity(certificate.get(), from, to) ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return nullptr;
  }
  return certificate;
}

// An extension from OpenSSL's own notation, about `subject` under `issuer`.
Extension make_extension(X509* issuer, X509* subject, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
  return Extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
}

bool add_extension(X509* certificate, int nid, const char* value) {
  // Self-signed: issuer and subject are the same. The key identifier must precede its use.
  const Extension extension = make_extension(certificate, certificate, nid, value);
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_authority_extensions(X509* certificate) {
  return add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         add_extension(certificate, NID_key_usage, "critical,keyCertSign") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_authority_key_identifier, "keyid:always");
}

std::string_view content_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, size > 0 ? static_cast<std::size_t>(size) : 0};
}

MemoryBio bio_over(std::string_view text) {
  return MemoryBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

void FreeCertificate::operator()(X509* certificate) const { X509_free(certificate); }

Result<Authority> make_authority(std::string_view common_name, Time now,
                                 std::chrono::seconds validity) {
  if (common_name.empty() || common_name.size() > kMaxCommonName || !is_utf8(common_name)) {
    return fail(Code::kInvalid, "an authority's name is 1 to 64 bytes of UTF-8");
  }
  const Key key = new_key();
  if (!key) return openssl_failed("make a key");
  const Certificate certificate =
      blank_certificate(key.get(), now - LeafMinter::kBefore, now + validity);
  if (!certificate || !set_common_name(certificate.get(), common_name) ||
      X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) != 1 ||
      !add_authority_extensions(certificate.get()) ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
    return openssl_failed("make an authority");
  }
  const MemoryBio shown(BIO_new(BIO_s_mem()));
  const MemoryBio hidden(BIO_new(BIO_s_mem()));  // wiped by OpenSSL as it grows and when freed
  if (!shown || !hidden || PEM_write_bio_X509(shown.get(), certificate.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(hidden.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1) {
    return openssl_failed("write an authority");
  }
  return Authority{.certificate_pem = std::string(content_of(shown.get())),
                   .private_key_pem = Secret::copy_of(content_of(hidden.get()))};
}

bool is_certificate_host(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  bool digits_only = true;
  char previous = '.';
  for (const char c : host) {
    if (c == '.') {
      if (label == 0 || previous == '-') return false;
      label = 0;
      digits_only = true;
    } else {
      const bool digit = c >= '0' && c <= '9';
      const bool letter = c >= 'a' && c <= 'z';
      if (!digit && !letter && (c != '-' || label == 0)) return false;
      if (++label > 63) return false;
      digits_only = digits_only && digit;
    }
    previous = c;
  }
  // A number in the last place makes it an IPv4 address to many readers (WHATWG URL §3.5).
  return label > 0 && previous != '-' && !digits_only;
}

struct LeafMinter::State {
  Certificate authority;
  Key authority_key;
  Key leaf_key;
  // What every leaf has alike, made once.
  std::array<Extension, 4> extensions;
};

LeafMinter::LeafMinter(std::unique_ptr<State> state) : state_(std::move(state)) {}
LeafMinter::LeafMinter(LeafMinter&&) noexcept = default;
LeafMinter& LeafMinter::operator=(LeafMinter&&) noexcept = default;
LeafMinter::~LeafMinter() = default;

Result<LeafMinter> LeafMinter::create(std::string_view authority_certificate_pem,
                                      const Secret& authority_private_key_pem) {
  const auto unreadable = [] {
    ERR_clear_error();
    return fail(Code::kInvalid, "the authority's certificate and key cannot be read or differ");
  };
  const MemoryBio shown = bio_over(authority_certificate_pem);
  const MemoryBio hidden = bio_over(authority_private_key_pem.expose_text());
  // An encrypted key must fail, not ask at a terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  auto state = std::make_unique<State>();
  if (!shown || !hidden) return openssl_failed("read an authority");
  state->authority.reset(PEM_read_bio_X509(shown.get(), nullptr, no_password, nullptr));
  state->authority_key.reset(PEM_read_bio_PrivateKey(hidden.get(), nullptr, no_password, nullptr));
  X509* authority = state->authority.get();
  if (authority == nullptr || !state->authority_key ||
      X509_check_private_key(authority, state->authority_key.get()) != 1 ||
      X509_check_ca(authority) != 1) {
    return unreadable();
  }
  state->leaf_key = new_key();
  if (!state->leaf_key) return openssl_failed("make a leaf key");
  state->extensions = {
      make_extension(authority, nullptr, NID_basic_constraints, "critical,CA:FALSE"),
      make_extension(authority, nullptr, NID_key_usage, "critical,digitalSignature"),
      make_extension(authority, nullptr, NID_ext_key_usage, "serverAuth"),
      make_extension(authority, nullptr, NID_authority_key_identifier, "keyid:always")};
  const auto missing = [](const Extension& extension) { return !extension; };
  if (std::ranges::any_of(state->extensions, missing)) return openssl_failed("make extensions");
  return LeafMinter(std::move(state));
}

Result<Certificate> LeafMinter::mint(std::string_view host, Time now) const {
  if (!is_certificate_host(host)) {
    return fail(Code::kInvalid, "a certificate is for a lower-case DNS name");
  }
  Certificate leaf = blank_certificate(state_->leaf_key.get(), now - kBefore, now + kAfter);
  if (!leaf ||
      X509_set_issuer_name(leaf.get(), X509_get_subject_name(state_->authority.get())) != 1) {
    return openssl_failed("begin a leaf");
  }
  // Clients read the alternative name; the subject is for people and has room for 64 bytes only.
  const bool named = host.size() <= kMaxCommonName;
  if (named && !set_common_name(leaf.get(), host)) return openssl_failed("name a leaf");
  for (const Extension& extension : state_->extensions) {
    if (X509_add_ext(leaf.get(), extension.get(), -1) != 1) return openssl_failed("extend a leaf");
  }
  // RFC 5280 §4.2.1.6: critical where the subject is empty. The host is of letters that have no
  // meaning in OpenSSL's notation.
  const std::string value = (named ? "DNS:" : "critical,DNS:") + std::string(host);
  const Extension names = make_extension(nullptr, nullptr, NID_subject_alt_name, value.c_str());
  if (!names || X509_add_ext(leaf.get(), names.get(), -1) != 1)
    return openssl_failed("name a leaf");
  if (X509_sign(leaf.get(), state_->authority_key.get(), EVP_sha256()) == 0) {
    return openssl_failed("sign a leaf");
  }
  return leaf;
}

EVP_PKEY* LeafMinter::leaf_key() const { return state_->leaf_key.get(); }

}  // namespace deployclaw::crypto

#include "net/root_certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "crypto/certificates.hpp"
#include "net/tls_settings.hpp"

namespace deployclaw::net {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// OpenSSL's own, over the canonical form: equal names have equal hashes.
std::optional<std::uint32_t> hash_of(const X509_NAME* name) {
  int ok = 0;
  const unsigned long hash = X509_NAME_hash_ex(name, nullptr, nullptr, &ok);
  if (ok != 1) return std::nullopt;
  return static_cast<std::uint32_t>(hash);
}

}  // namespace

void RootCertificates::FreeMethod::operator()(X509_LOOKUP_METHOD* method) const {
  X509_LOOKUP_meth_free(method);
}

Result<std::size_t> RootCertificates::add(std::string_view bundle) {
  if (bundle.size() > std::numeric_limits<int>::max() - encoded_.size()) {
    return fail(Code::kInvalid, "the bundle of root certificates is too large");
  }
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size())));
  std::size_t count = 0;
  clear_tls_errors();
  while (bio) {
    const crypto::Certificate root(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!root || !keep(root.get())) break;
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  clear_tls_errors();
  if (!bundle.empty() && !at_end) {
    return fail(Code::kInvalid,
                "root certificate " + std::to_string(count + 1) + " of the bundle cannot be read");
  }
  return count;
}

bool RootCertificates::keep(X509* root) {
  const auto subject = hash_of(X509_get_subject_name(root));
  const int size = i2d_X509(root, nullptr);
  if (!subject || size <= 0) return false;
  const std::size_t at = encoded_.size();
  encoded_.resize(at + static_cast<std::size_t>(size));
  auto* out = reinterpret_cast<unsigned char*>(encoded_.data() + at);
  if (i2d_X509(root, &out) != size) return false;
  places_.push_back({.subject = *subject,
                     .at = static_cast<std::uint32_t>(at),
                     .size = static_cast<std::uint32_t>(size)});
  return true;
}

bool RootCertificates::serve(X509_STORE* store) {
  encoded_.shrink_to_fit();
  places_.shrink_to_fit();
  std::ranges::sort(places_, {},
                    [](const Place& place) { return std::pair(place.subject, place.at); });
  method_.reset(X509_LOOKUP_meth_new("root certificates"));
  if (!method_ || X509_LOOKUP_meth_set_get_by_subject(method_.get(), &find_by_subject) != 1) {
    return false;
  }
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, method_.get());
  return lookup != nullptr && X509_LOOKUP_set_method_data(lookup, this) == 1;
}

// OpenSSL asks for one certificate and, where it does not fit, looks for others of that name in the
// store itself: all of them have to be there.
bool RootCertificates::give(X509_STORE* store, const X509_NAME* subject) const {
  const auto hash = hash_of(subject);
  if (!hash) return false;
  bool given = false;
  for (const auto& place : std::ranges::equal_range(places_, *hash, {}, &Place::subject)) {
    const auto* in = reinterpret_cast<const unsigned char*>(encoded_.data() + place.at);
    const crypto::Certificate root(d2i_X509(nullptr, &in, static_cast<long>(place.size)));
    if (!root || X509_NAME_cmp(X509_get_subject_name(root.get()), subject) != 0) continue;
    given = X509_STORE_add_cert(store, root.get()) == 1 || given;
  }
  return given;
}

int RootCertificates::find_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type,
                                      const X509_NAME* name, X509_OBJECT* found) {
  const auto* self = static_cast<const RootCertificates*>(X509_LOOKUP_get_method_data(lookup));
  X509_STORE* store = X509_LOOKUP_get_store(lookup);
  if (type != X509_LU_X509 || self == nullptr || !self->give(store, name)) return 0;
  X509_OBJECT* kept =
      X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), X509_LU_X509, name);
  if (kept == nullptr) return 0;
  X509* root = X509_OBJECT_get0_X509(kept);
  if (X509_OBJECT_set1_X509(found, root) != 1) return 0;
  // The caller takes a reference of its own and drops `found` without giving one back; the store
  // has the other.
  X509_free(root);
  return 1;
}

}  // namespace deployclaw::net

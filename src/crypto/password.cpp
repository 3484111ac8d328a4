#include "crypto/password.hpp"

#include <crypt.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "base/random.hpp"
#include "crypto/hmac.hpp"

namespace deployclaw::crypto {
namespace {

constexpr std::size_t kBcryptInput = 72;  // bytes of the password that bcrypt reads
constexpr std::size_t kBcryptHash = 60;
constexpr std::size_t kSaltedPrefix = 29;  // "$2b$12$" and 22 characters of salt
constexpr std::string_view kPrehashKey = "deployclaw/password/v1";

// crypt(3)'s scratch memory holds the password: 32 KiB on the heap, wiped.
struct WipeCryptData {
  void operator()(crypt_data* data) const {
    wipe_memory(data, sizeof *data);
    delete data;
  }
};

// What bcrypt is given, NUL-terminated for crypt(3). See the class comment.
Secret bcrypt_input(const Secret& password) {
  const std::string_view text = password.expose_text();
  const bool fits = text.size() <= kBcryptInput && !text.contains('\0') &&
                    (text.empty() || static_cast<unsigned char>(text[0]) != 0xFF);
  if (fits) {
    Bytes input;
    input.reserve(text.size() + 1);
    input.assign(password.expose().begin(), password.expose().end());
    input.push_back(0);
    return Secret(std::move(input));
  }
  auto digest = hmac_sha256(bytes_of(kPrehashKey), password.expose());
  std::string encoded = base64_encode(digest);
  wipe_memory(digest.data(), digest.size());
  Bytes input;
  input.reserve(encoded.size() + 2);
  input.push_back(0xFF);
  input.insert(input.end(), encoded.begin(), encoded.end());
  input.push_back(0);
  wipe_string(encoded);
  return Secret(std::move(input));
}

// The hash of `password` with the cost and salt that `setting` begins with; "" when libcrypt
// refuses.
std::string bcrypt(const Secret& password, const std::string& setting) {
  const Secret input = bcrypt_input(password);
  const std::unique_ptr<crypt_data, WipeCryptData> data(new crypt_data{});
  const char* hash =
      crypt_r(reinterpret_cast<const char*>(input.expose().data()), setting.c_str(), data.get());
  if (hash == nullptr || hash[0] == '*') return "";
  return hash;
}

bool is_salt_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '/';
}

// The cost of a stored hash; 0 when it is not one of ours or of a compatible bcrypt.
int cost_of(std::string_view stored) {
  if (stored.size() != kBcryptHash || stored.substr(0, 4) != "$2b$" || stored[6] != '$') return 0;
  const char tens = stored[4];
  const char ones = stored[5];
  if (tens < '0' || tens > '9' || ones < '0' || ones > '9') return 0;
  for (const char c : stored.substr(7)) {
    if (!is_salt_character(c)) return 0;
  }
  return (tens - '0') * 10 + (ones - '0');
}

}  // namespace

PasswordHasher::PasswordHasher(int cost) : cost_(cost) {
  auto dummy = hash(Secret::random(32));
  if (!dummy) std::abort();
  dummy_hash_ = *std::move(dummy);
}

Result<std::string> PasswordHasher::hash(const Secret& password) const {
  std::array<char, 16> salt;
  random_bytes({reinterpret_cast<unsigned char*>(salt.data()), salt.size()});
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (crypt_gensalt_rn("$2b$", static_cast<unsigned long>(cost_), salt.data(),
                       static_cast<int>(salt.size()), setting.data(),
                       static_cast<int>(setting.size())) == nullptr) {
    return fail(Code::kInternal, "bcrypt: no salt");
  }
  std::string hashed = bcrypt(password, setting.data());
  if (cost_of(hashed) != cost_) return fail(Code::kInternal, "bcrypt failed");
  return hashed;
}

bool PasswordHasher::verify(const Secret& password, std::string_view stored) const {
  if (cost_of(stored) == 0) return false;
  const std::string again = bcrypt(password, std::string(stored.substr(0, kSaltedPrefix)));
  return equal_constant_time(bytes_of(again), bytes_of(stored));
}

bool PasswordHasher::needs_rehash(std::string_view stored) const {
  return cost_of(stored) != cost_;
}

}  // namespace deployclaw::crypto

#include "vault/keyring.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/random.hpp"
#include "crypto/hmac.hpp"
#include "vault/locked_page.hpp"

namespace deployclaw::vault {
namespace {

constexpr std::string_view kCheckLabel = "deployclaw/key-check/v1";
constexpr std::string_view kHeader =
    "# DeployClaw master keys. Whoever holds this file and the database can read every secret;\n"
    "# without it nobody can. Keep a copy in a safe place, apart from the database backups.\n";

std::string check_of(Keyring::Key key) {
  const auto mac = crypto::hmac_sha256(key, bytes_of(kCheckLabel));
  return hex_encode(std::span(mac).first(8));
}

// Takes the next space-separated word off `line`; "" at its end.
std::string_view next_word(std::string_view& line) {
  const auto start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos) {
    line = {};
    return {};
  }
  const auto end = std::min(line.find_first_of(" \t", start), line.size());
  const std::string_view word = line.substr(start, end - start);
  line.remove_prefix(end);
  return word;
}

// "v12" → 12; 0 when it is not of that form.
std::uint32_t parse_version(std::string_view word) {
  if (word.size() < 2 || word[0] != 'v' || word[1] == '0') return 0;
  std::uint32_t version = 0;
  const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), version);
  return error == std::errc() && end == word.data() + word.size() ? version : 0;
}

struct Line {
  Keyring::Version version;
  Secret key;
};

// One line with a key. The error text is completed with the line's number by the caller.
Result<Line> parse_line(std::string_view text) {
  Line line;
  line.version.version = parse_version(next_word(text));
  if (line.version.version == 0) return fail(Code::kMalformed, "expected v<number>");
  auto key = base64_decode(next_word(text));
  if (!key) return fail(Code::kMalformed, "the key is not base64");
  line.key = Secret(*std::move(key));
  if (line.key.size() != Keyring::kKeySize)
    return fail(Code::kMalformed, "the key is not 32 bytes");
  line.version.check = check_of(line.key.expose().first<Keyring::kKeySize>());
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    if (word.starts_with("created=")) {
      word.remove_prefix(8);
      if (!parse_time(word)) return fail(Code::kMalformed, "created= is not an RFC 3339 time");
      line.version.created = word;
    } else if (word.starts_with("check=")) {
      if (word.substr(6) != line.version.check) {
        return fail(Code::kCorrupt, "the key does not match its check: the line was damaged");
      }
    } else {
      return fail(Code::kMalformed, "unknown field after the key");
    }
  }
  return line;
}

}  // namespace

struct Keyring::Storage {
  static_assert(kMaxVersions * kKeySize <= LockedPage::kSize);

  [[nodiscard]] Key key_at(std::size_t index) const {
    return std::span<const unsigned char>(page.bytes()).subspan(index * kKeySize).first<kKeySize>();
  }
  // The caller has checked that there is room.
  void push(Version version, std::span<const unsigned char> key) {
    std::ranges::copy(key, page.bytes().subspan(versions.size() * kKeySize).begin());
    versions.push_back(std::move(version));
  }

  LockedPage page;
  std::vector<Version> versions;  // ascending; key i lies at i * kKeySize
};

Keyring::Keyring() : storage_(std::make_unique<Storage>()) {}
Keyring::~Keyring() = default;
Keyring::Keyring(Keyring&&) noexcept = default;
Keyring& Keyring::operator=(Keyring&&) noexcept = default;

Result<Keyring> Keyring::parse(const Secret& text) {
  Keyring ring;
  std::string_view rest = text.expose_text();
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = std::min(rest.find_first_of("\n;"), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;

    const std::string where = "master keys, line " + std::to_string(number);
    auto parsed = parse_line(line);
    if (!parsed) return context(where, std::move(parsed).error());
    if (parsed->version.version <= ring.newest()) {
      return fail(Code::kMalformed, where + ": versions must ascend, each once");
    }
    if (ring.storage_->versions.size() == kMaxVersions) {
      return fail(Code::kTooLarge, where + ": too many key versions");
    }
    ring.storage_->push(std::move(parsed->version), parsed->key.expose());
  }
  if (ring.empty()) return fail(Code::kMalformed, "master keys: there is no key");
  return ring;
}

Result<std::uint32_t> Keyring::add(Time now) {
  if (storage_->versions.size() == kMaxVersions) {
    return fail(Code::kTooLarge, "the key ring is full: retire versions that no row uses");
  }
  if (newest() == std::numeric_limits<std::uint32_t>::max()) {
    return fail(Code::kTooLarge, "key version numbers are used up");
  }
  const std::uint32_t version = newest() + 1;
  const Secret key = Secret::random(kKeySize);
  storage_->push({version, format_time(now), check_of(key.expose().first<kKeySize>())},
                 key.expose());
  return version;
}

Secret Keyring::to_text() const {
  constexpr std::size_t kLongestLine = 160;
  Bytes text;
  text.reserve(kHeader.size() +
               kLongestLine * storage_->versions.size());  // never moves: no copies
  const auto append = [&text](std::string_view part) {
    text.insert(text.end(), part.begin(), part.end());
  };
  append(kHeader);
  for (std::size_t i = 0; i < storage_->versions.size(); ++i) {
    const Version& version = storage_->versions[i];
    std::string encoded = base64_encode(storage_->key_at(i));
    append("v" + std::to_string(version.version) + " ");
    append(encoded);
    wipe_string(encoded);
    if (!version.created.empty()) append(" created=" + version.created);
    append(" check=" + version.check + "\n");
  }
  return Secret(std::move(text));
}

Result<Keyring::Key> Keyring::key(std::uint32_t version) const {
  std::string held;
  for (std::size_t i = 0; i < storage_->versions.size(); ++i) {
    if (storage_->versions[i].version == version) return storage_->key_at(i);
    held += (held.empty() ? "v" : ", v") + std::to_string(storage_->versions[i].version);
  }
  return fail(Code::kUnavailable,
              "master key v" + std::to_string(version) + " is not in the key ring, which holds " +
                  (held.empty() ? "none" : held) + ": restore it from the backup of the key file");
}

bool Keyring::empty() const { return storage_->versions.empty(); }

bool Keyring::locked() const { return storage_->page.locked(); }

std::uint32_t Keyring::newest() const { return empty() ? 0 : storage_->versions.back().version; }

std::uint32_t Keyring::oldest() const { return empty() ? 0 : storage_->versions.front().version; }

std::vector<Keyring::Version> Keyring::versions() const { return storage_->versions; }

}  // namespace deployclaw::vault

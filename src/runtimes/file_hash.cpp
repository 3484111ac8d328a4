#include "runtimes/file_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <vector>

#include "base/encoding.hpp"

namespace deployclaw::runtimes {
namespace fs = std::filesystem;

struct Hasher::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) std::abort();
}
Hasher::~Hasher() = default;

void Hasher::add(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) std::abort();
}

void Hasher::add_field(std::string_view text) {
  add(std::to_string(text.size()) + ":");
  add(text);
}

std::string Hasher::hex() {
  std::array<unsigned char, 32> digest{};
  if (EVP_DigestFinal_ex(state_->context, digest.data(), nullptr) != 1) std::abort();
  return hex_encode(digest);
}

namespace {

Status add_file(const fs::path& path, Hasher& hasher) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Code::kNotFound, "cannot open " + path.string());
  std::vector<char> buffer(256UL * 1024);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hasher.add({buffer.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (in.bad()) return fail(Code::kInternal, "cannot read " + path.string());
  return {};
}

}  // namespace

Result<std::string> hash_file(const fs::path& path) {
  Hasher hasher;
  if (auto added = add_file(path, hasher); !added) return fail(std::move(added.error()));
  return hasher.hex();
}

Status hash_folder(const fs::path& folder, Hasher& hasher) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file(error)) files.push_back(it->path());
  }
  if (error)
    return fail(Code::kNotFound, "cannot list " + folder.string() + ": " + error.message());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    auto content = hash_file(file);
    if (!content) return fail(std::move(content.error()));
    const auto permissions = fs::status(file, error).permissions();
    const bool executable = (permissions & fs::perms::owner_exec) != fs::perms::none;
    hasher.add_field(file.lexically_relative(folder).generic_string());
    hasher.add_field(executable ? "x" : "-");
    hasher.add_field(*content);
  }
  return {};
}

}  // namespace deployclaw::runtimes

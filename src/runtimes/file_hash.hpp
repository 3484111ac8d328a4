#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace deployclaw::runtimes {

// SHA-256 (FIPS 180-4) of what is added piece by piece, for files too big to hold.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void add(std::string_view bytes);
  // Adds a text with its length before it, so that ("ab","c") and ("a","bc") differ.
  void add_field(std::string_view text);
  // Ends the hash: 64 lower-case hex digits. Nothing may be added afterwards.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The SHA-256 of a file's content in hex. kNotFound when it cannot be opened, kInternal when it
// cannot be read.
Result<std::string> hash_file(const std::filesystem::path& path);

// Adds every regular file below `folder` to `hasher`: relative name, whether it is executable,
// content; in the order of names.
Status hash_folder(const std::filesystem::path& folder, Hasher& hasher);

}  // namespace deployclaw::runtimes

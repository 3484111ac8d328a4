#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/encoding.hpp"

namespace deployclaw {

// Bytes that must not leak: wiped when destroyed or moved from, cannot be printed, formatted,
// compared by accident or copied without saying so. Thread-compatible.
class Secret {
 public:
  Secret() = default;
  explicit Secret(Bytes bytes) : bytes_(std::move(bytes)) {}
  // Takes the text over and wipes the argument.
  static Secret take(std::string&& text);
  static Secret copy_of(std::string_view text);
  static Secret copy_of(std::span<const unsigned char> bytes);
  // `size` random bytes.
  static Secret random(std::size_t size);

  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] Secret clone() const { return copy_of(expose()); }
  [[nodiscard]] std::span<const unsigned char> expose() const { return bytes_; }
  // The bytes as text; the view ends with this object.
  [[nodiscard]] std::string_view expose_text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // Constant-time for equal lengths.
  [[nodiscard]] bool equals(const Secret& other) const;

 private:
  void wipe();
  Bytes bytes_;
};

// Overwrites memory in a way the compiler may not remove (OPENSSL_cleanse).
void wipe_memory(void* data, std::size_t size);
void wipe_string(std::string& text);

// Constant-time equality of two byte strings; false at once when lengths differ.
bool equal_constant_time(std::span<const unsigned char> a, std::span<const unsigned char> b);

}  // namespace deployclaw

#pragma once

#include <memory>
#include <string_view>

#include "models/usage.hpp"

namespace deployclaw::models {

// Reads the usage out of one JSON text as it comes, however it is split, keeping nothing of it.
// What a model says is inside strings, so it cannot pretend to have used less. One thread.
class UsageReader {
 public:
  // Notes go to `usage`, which must outlive this.
  explicit UsageReader(Usage& usage);
  ~UsageReader();
  UsageReader(const UsageReader&) = delete;
  UsageReader& operator=(const UsageReader&) = delete;

  // False once the text is not well-formed; what was noted stays.
  bool feed(std::string_view bytes);
  // True when the text was whole and well-formed.
  bool finish();

  // Of the text so far: a list "choices" at the top that is empty, and a "usage" that is an object.
  [[nodiscard]] bool is_usage_alone() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deployclaw::models

#pragma once

#include <array>
#include <chrono>

namespace deployclaw::egress {

// How long things on an agent's way out may take.
struct Deadlines {
  std::chrono::milliseconds head{30'000};            // a whole request head, from its first byte
  std::chrono::milliseconds idle{75'000};            // between two requests
  std::chrono::milliseconds body{120'000};           // between two pieces of a request's body
  std::chrono::milliseconds response_head{600'000};  // models think for minutes
  std::chrono::milliseconds response_body{300'000};  // between two pieces
  std::chrono::milliseconds tunnel{900'000};         // nothing either way
  std::chrono::milliseconds approval{180'000};       // a request waits for a person

  bool operator==(const Deadlines&) const = default;
};

// Each of them, in the order above.
inline constexpr std::array kEveryDeadline{
    &Deadlines::head,          &Deadlines::idle,   &Deadlines::body,    &Deadlines::response_head,
    &Deadlines::response_body, &Deadlines::tunnel, &Deadlines::approval};

}  // namespace deployclaw::egress

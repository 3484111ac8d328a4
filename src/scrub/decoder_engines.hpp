#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "scrub/content_decoder.hpp"

namespace deployclaw::scrub {

// One decompression library behind one shape.
class ContentDecoder::Engine {
 public:
  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  virtual ~Engine() = default;
  // Decodes what it can; both zero means that more input is needed. `out` is not empty.
  virtual Result<Step> decode(std::string_view in, std::span<char> out) = 0;
  // True when all that was consumed is whole.
  [[nodiscard]] virtual bool complete() const = 0;
};

std::unique_ptr<ContentDecoder::Engine> make_engine(ContentCoding coding);

}  // namespace deployclaw::scrub

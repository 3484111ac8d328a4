#include "models/testing/prices.hpp"

#include <stdexcept>
#include <vector>

namespace deployclaw::models::testing {

PriceCatalogue small_prices(const std::string& service, UnknownModel unknown) {
  const std::string text = "name = \"" + service + R"("
as_of = "2026-01"
source = "made up"
[[models]]
match = ["small"]
input = "1"
cached_input = "0.1"
cache_write = "1.25"
cache_write_hour = "2"
output = "10"
context = 1_000_000
max_output = 4_000
image_tokens = 1_000
long_context = { above = 200_000, input = "2", cached_input = "0.2", output = "15" }
[[models]]
match = ["plain"]
input = "3"
output = "15"
context = 8_000
max_output = 1_000
[[models]]
match = ["embed"]
input = "0.1"
output = "0"
context = 8_000
max_output = 1
)";
  const std::vector<std::pair<std::string, std::string>> files{{service + ".toml", text}};
  auto prices = PriceCatalogue::of(files, {}, unknown);
  if (!prices) throw std::runtime_error(prices.error().message);
  return *prices;
}

}  // namespace deployclaw::models::testing

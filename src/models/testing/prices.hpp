#pragma once

#include <string>

#include "models/price_catalogue.hpp"

namespace deployclaw::models::testing {

// One provider `service` with the models "small" (1 and 10 dollars, cached 0.1, caching 1.25 and 2;
// long from 200,000 tokens on: 2 and 15; 1,000,000 to read, 4,000 to write, images of 1,000),
// "plain" (3 and 15, 8,000 to read, 1,000 to write) and "embed" (0.1 and nothing).
PriceCatalogue small_prices(const std::string& service,
                            UnknownModel unknown = UnknownModel::kDearest);

}  // namespace deployclaw::models::testing

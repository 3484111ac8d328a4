#pragma once

#include <span>
#include <string>
#include <vector>

#include "services/catalogue.hpp"

namespace deployclaw::services {

// What is wrong between services that are each right by themselves, one line each:
// - two services, kinds, rules or TCP ports of one name;
// - a host of a kind where no rule allows anything: a secret could go where nothing decides;
// - two rules of one service for the very same requests;
// - rules of two services that could both decide one request, and differ.
std::vector<std::string> inconsistencies(std::span<const Service> services,
                                         std::span<const HostEntry> hosts);

}  // namespace deployclaw::services

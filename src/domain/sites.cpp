#include "domain/sites.hpp"

#include <libpsl.h>

#include <string>

namespace deployclaw::domain {

bool is_same_site(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::string first(a);
  const std::string second(b);
  const char* one = psl_registrable_domain(psl_builtin(), first.c_str());
  const char* other = psl_registrable_domain(psl_builtin(), second.c_str());
  return one != nullptr && other != nullptr && std::string_view(one) == other;
}

}  // namespace deployclaw::domain

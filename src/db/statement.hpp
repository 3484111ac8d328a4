#pragma once

#include <string_view>

namespace deployclaw::db {

// One SQL statement, a constant beside the function that runs it:
//   constexpr db::Statement kFindAgent{"find_agent", "select … where id = $1"};
// It is prepared on each connection at its first use there. Names are unique in the program; the
// same name with another text is refused with kInternal.
struct Statement {
  std::string_view name;
  std::string_view sql;
};

}  // namespace deployclaw::db

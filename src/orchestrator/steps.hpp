#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace deployclaw::orchestrator {

// The steps of a deployment as its owner reads them: [{name, startedAt, endedAt, detail}], the last
// one perhaps still open.
class Steps {
 public:
  Steps() = default;
  // Goes on with what an earlier process recorded; a step it left open was interrupted.
  Steps(boost::json::array recorded, Time now);

  // Ends the open step and begins `name`; false when `name` is open already.
  bool begin(std::string_view name, Time now);
  // Ends the open step with what came out of it; nothing open is fine.
  void end(std::string_view detail, Time now);
  [[nodiscard]] const boost::json::array& json() const { return steps_; }

 private:
  [[nodiscard]] boost::json::object* open_step();
  boost::json::array steps_;
};

}  // namespace deployclaw::orchestrator

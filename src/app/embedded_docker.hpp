#pragma once

#include <string>

#include "app/paths.hpp"
#include "app/supervisor.hpp"
#include "base/result.hpp"

namespace deployclaw::app {

// Whether a Docker Engine answers GET /_ping at "unix://<path>" within two seconds. Blocking.
bool docker_answers(const std::string& host);

// The private Docker Engine of `deployclaw up`, when none answers at docker.host: data in
// <home>/docker, its socket in the run directory, no bridge and no iptables rules of its own (the
// orchestrator wires agents itself).
class EmbeddedDocker {
 public:
  explicit EmbeddedDocker(const Paths& paths) : paths_(paths) {}
  // Errors: kUnavailable when no dockerd is installed.
  Status prepare() const;
  [[nodiscard]] Service service() const;
  [[nodiscard]] std::string host() const { return "unix://" + paths_.docker_socket(); }

 private:
  Paths paths_;
};

}  // namespace deployclaw::app

#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "vault/policy.hpp"

namespace deployclaw::vault {

// How the vault role runs. The directory of `key_file` must belong to the vault's uid: it creates
// the file and, on rotation, replaces it atomically.
struct ServerOptions {
  std::string socket_path;
  std::string key_file;
  // Value of DEPLOYCLAW_MASTER_KEYS; when set, key_file is not read and rotate is refused (the
  // operator rotates by changing the variable).
  Secret environment_keys = {};
  CallerPolicy policy;
  bool sandbox = true;  // seccomp, no new privileges, no core dumps; off only in tests
};

// Runs the vault role on the calling thread until SIGTERM or SIGINT: hardens the process, loads or
// creates the key ring, serves. An error means that it could not start.
Status run_server(ServerOptions options);

}  // namespace deployclaw::vault

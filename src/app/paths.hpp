#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"

namespace deployclaw::app {

// Where one platform keeps its things. `home` is the data; `run` holds sockets and what is made
// anew at each start, in a short path (a unix socket's path has 107 bytes) that every role can
// reach.
struct Paths {
  std::string home;  // absolute
  std::string run;   // /run/deployclaw-<8 hex digits of SHA-256(home)>
  // `home` as the roles see it: home itself, or <run>/home (a bind mount) when some folder above
  // home is closed to other users.
  std::string shared_home;

  [[nodiscard]] std::string vault_socket() const { return run + "/vault/vault.sock"; }
  [[nodiscard]] std::string docker_socket() const { return run + "/docker.sock"; }
  [[nodiscard]] std::string postgres_directory() const { return run + "/pg"; }
  [[nodiscard]] std::string passfiles() const { return run + "/secrets"; }
  [[nodiscard]] std::string log(std::string_view name) const {
    return home + "/log/" + std::string(name) + ".log";
  }
};

// The paths of the platform whose data is in `home` (may be relative; created when missing).
Result<Paths> locate(const std::string& home);

// Makes a folder with exactly this owner and mode, and its parents with mode 0755.
Status make_directory(const std::string& path, uid_t owner, gid_t group, mode_t mode);

// Replaces a file at once (write beside, fsync, rename) with this owner and mode.
Status write_file(const std::string& path, std::string_view content, uid_t owner, gid_t group,
                  mode_t mode);
Result<std::string> read_file(const std::string& path);

// Lets the roles reach `paths.home`: sets shared_home, with a bind mount when needed.
Status share_home(Paths& paths);
// Takes the bind mount away again; harmless without one.
void unshare_home(const Paths& paths);

// Unmounts every file system that is mounted below `folder`.
void unmount_below(const std::string& folder);

}  // namespace deployclaw::app

#include "egress/spool_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace deployclaw::egress {

Result<linux::UniqueFd> lock_spool(const std::string& directory) {
  const std::string path = directory + "/lock";
  linux::UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return linux::fail_errno("open " + path, errno);
  if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno != EWOULDBLOCK) return linux::fail_errno("lock " + path, errno);
  return fail(Code::kConflict, "another egress process uses the spool in " + directory);
}

}  // namespace deployclaw::egress

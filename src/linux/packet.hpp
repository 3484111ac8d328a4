#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>
#include <vector>

#include "linux/file.hpp"

// One packet over a unix socket, with file descriptors beside it (SCM_RIGHTS, unix(7)).
namespace deployclaw::linux {

inline constexpr std::size_t kMostDescriptors = 4;

// Sends `bytes` and duplicates of at most kMostDescriptors `fds`, without SIGPIPE. `flags` as for
// sendmsg(2). Answers 0, or errno; an interrupted call is made again.
int send_packet(int socket, std::string_view bytes, std::span<const int> fds, int flags = 0);

// Receives one packet into `buffer`; what came beside it is put into `fds`, closed on exec, so that
// nothing the other end sends stays open unowned. Answers the size, 0 at the end, -1 with errno.
ssize_t receive_packet(int socket, std::span<char> buffer, std::vector<UniqueFd>& fds,
                       int flags = 0);

}  // namespace deployclaw::linux

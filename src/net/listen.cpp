#include "net/listen.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace deployclaw::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;

namespace {

Error listen_error(const std::string& where, const boost::system::error_code& error) {
  const Code code = error == asio::error::address_in_use ? Code::kConflict : Code::kUnavailable;
  return Error{.code = code, .message = "listen on " + where + ": " + error.message()};
}

// True if something accepts connections on the socket file.
bool answers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool alive = result == 0 || errno == EAGAIN || errno == EINPROGRESS;
  ::close(fd);
  return alive;
}

}  // namespace

Result<tcp::acceptor> bind_tcp(const asio::any_io_executor& executor, const std::string& address,
                               std::uint16_t port) {
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(address, error);
  const std::string where = address + ":" + std::to_string(port);
  if (error) return fail(Code::kInvalid, "listen on " + where + ": not an IP address");
  const tcp::endpoint endpoint(ip, port);
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) return fail(listen_error(where, error));
  return acceptor;
}

Result<stream_protocol::acceptor> bind_unix(const asio::any_io_executor& executor,
                                            const std::string& path, unsigned mode) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un{}.sun_path)) {
    return fail(Code::kInvalid, "listen on " + path + ": unix socket path empty or too long");
  }
  struct stat existing{};
  if (::lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      return fail(Code::kConflict,
                  "listen on " + path + ": a file that is no socket is in the way");
    }
    if (answers(path)) return fail(Code::kConflict, "listen on " + path + ": already served");
    ::unlink(path.c_str());
  }
  boost::system::error_code error;
  stream_protocol::acceptor acceptor(executor);
  acceptor.open(stream_protocol(), error);
  if (!error) acceptor.bind(stream_protocol::endpoint(path), error);
  // Between bind and listen nobody can connect, so the default mode is never in effect.
  if (!error && ::chmod(path.c_str(), mode) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) acceptor.listen(stream_protocol::acceptor::max_listen_connections, error);
  if (error) return fail(listen_error(path, error));
  return acceptor;
}

}  // namespace deployclaw::net

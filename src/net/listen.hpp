#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace deployclaw::net {

// Binds and listens on a textual IP address. kConflict when the port is taken.
Result<boost::asio::ip::tcp::acceptor> bind_tcp(const boost::asio::any_io_executor& executor,
                                                const std::string& address, std::uint16_t port);

// Binds and listens on a unix socket whose file has exactly the permission bits `mode`. The file
// of a dead server is replaced; one that answers is kConflict.
Result<boost::asio::local::stream_protocol::acceptor> bind_unix(
    const boost::asio::any_io_executor& executor, const std::string& path, unsigned mode);

}  // namespace deployclaw::net

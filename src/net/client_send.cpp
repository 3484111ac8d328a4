// The sending half of ClientConnection.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "base/await.hpp"
#include "http/ascii.hpp"
#include "net/client_connection.hpp"

namespace deployclaw::net {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kFilePiece = 256 * 1024;

// An open file that closes itself.
struct File {
  explicit File(const std::string& path)
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}  // NOLINT
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

bool is_framing(std::string_view name) {
  return http::equals_ignoring_case(name, "content-length") ||
         http::equals_ignoring_case(name, "transfer-encoding");
}

bool carries_body(http::Method method) {
  return method == http::Method::kPost || method == http::Method::kPut ||
         method == http::Method::kPatch;
}

}  // namespace

Result<std::string> request_head(const ClientRequest& request, const Endpoint& endpoint,
                                 std::string_view framing, bool keep_alive) {
  const auto is_target_char = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f;
  };
  if (!request.target.starts_with('/') || !std::ranges::all_of(request.target, is_target_char)) {
    return fail(Code::kInvalid, "bad request target");
  }
  std::string out(http::to_string(request.method));
  out.append(" ").append(request.target).append(" HTTP/1.1\r\n");
  if (!request.headers.get("host")) {
    const bool v6 = endpoint.host.find(':') != std::string::npos;
    std::string host = v6 ? "[" + endpoint.host + "]" : endpoint.host;
    if (!endpoint.unix_path.empty()) {
      host = "localhost";
    } else if (endpoint.port != 80) {
      host += ":" + std::to_string(endpoint.port);
    }
    out.append("Host: ").append(host).append("\r\n");
  }
  if (!keep_alive && !request.headers.get("connection")) out.append("Connection: close\r\n");
  for (const auto& [name, value] : request.headers.all()) {
    if (is_framing(name)) continue;
    if (!http::is_safe_field(name, value)) return fail(Code::kInvalid, "bad request header field");
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append(framing).append("\r\n");
  return out;
}

Task<Status> ClientConnection::write(std::string_view bytes, Deadline& deadline) {
  boost::system::error_code error = asio::error::operation_aborted;
  if (!deadline.expired() && !closed_) {
    const auto buffer = asio::buffer(bytes);
    std::size_t count = 0;
    std::tie(error, count) = co_await asio::async_write(socket_, buffer, kAwait);
  }
  if (error) co_return fail(broken(deadline, "write", error));
  co_return Status{};
}

Task<Status> ClientConnection::send(ClientRequest& request, bool keep_alive, Deadline& deadline) {
  std::string framing;
  std::unique_ptr<File> file;
  std::uint64_t size = 0;
  const auto* text = std::get_if<std::string>(&request.body);
  if (text != nullptr) {
    size = text->size();
    if (size > 0 || carries_body(request.method)) {
      framing = "Content-Length: " + std::to_string(size) + "\r\n";
    }
  } else if (const auto* body = std::get_if<BodyFile>(&request.body)) {
    file = std::make_unique<File>(body->path);
    struct stat info{};
    if (file->fd < 0 || ::fstat(file->fd, &info) != 0) {
      co_return fail(Code::kNotFound, "open " + body->path + ": " + std::strerror(errno));
    }
    size = static_cast<std::uint64_t>(info.st_size);
    framing = "Content-Length: " + std::to_string(size) + "\r\n";
  } else {
    framing = "Transfer-Encoding: chunked\r\n";
  }
  auto head = request_head(request, endpoint_, framing, keep_alive);
  if (!head) co_return fail(std::move(head.error()));
  // One packet for what is small; a large body is not copied.
  constexpr std::size_t kGatherBelow = 16 * 1024;
  const bool gathered = text != nullptr && size < kGatherBelow;
  if (gathered) *head += *text;

  Status sent = co_await write(*head, deadline);
  if (sent && text != nullptr && !gathered) {
    sent = co_await write(*text, deadline);
  } else if (sent && file) {
    sent = co_await send_file(file->fd, size, deadline);
  } else if (sent && text == nullptr) {
    sent = co_await send_source(std::get<BodySource>(request.body), deadline);
  }
  request_whole_ = sent.has_value();
  if (!sent && sent.error().code == Code::kUnavailable && sent.error().reason.empty()) {
    co_return Status{};
  }
  co_return sent;
}

Task<Status> ClientConnection::send_file(int file, std::uint64_t size, Deadline& deadline) {
  ::posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL);
  std::string piece;
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kFilePiece, size - done)));
    const ssize_t count = ::pread(file, piece.data(), piece.size(), static_cast<off_t>(done));
    if (count <= 0) co_return fail(Code::kCorrupt, "the body's file became shorter or unreadable");
    piece.resize(static_cast<std::size_t>(count));
    auto sent = co_await write(piece, deadline);
    if (!sent) co_return fail(std::move(sent.error()));
  }
  co_return Status{};
}

Task<Status> ClientConnection::send_source(BodySource& source, Deadline& deadline) {
  while (true) {
    auto next = source();
    auto piece = co_await std::move(next);
    if (!piece) {
      // Without the last chunk the server knows that the body is not whole.
      Error error = std::move(piece.error());
      if (error.reason.empty()) error.reason = "body_source_failed";
      close();
      co_return context("body source", std::move(error));
    }
    std::string framed;
    if (piece->empty()) {
      framed = "0\r\n\r\n";
    } else {
      http::append_chunk(framed, *piece);
    }
    auto sent = co_await write(framed, deadline);
    if (!sent) co_return fail(std::move(sent.error()));
    if (piece->empty()) co_return Status{};
  }
}

}  // namespace deployclaw::net

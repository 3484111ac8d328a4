#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/coarse_timer.hpp"
#include "net/progress.hpp"
#include "net/timed_socket.hpp"
#include "net/tls.hpp"
#include "net/watched_socket.hpp"

namespace deployclaw::net {

// A connected TCP (or unix) socket, in the clear or, after a handshake, under TLS. OpenSSL works
// directly on the socket and gives its buffers back between records, so that an idle connection is
// small. Both directions may be used at once by two coroutines of the one thread; at most one
// reader and one writer. Not movable. Nothing here raises SIGPIPE. One deadline at a time covers
// everything: when it passes, pending and later calls fail with kTimeout until it is set or
// cleared.
class ByteStream final : private CoarseTimer::Entry {
 public:
  ByteStream(StreamSocket socket, CoarseTimer& timer);
  ~ByteStream() override;  // closes; without close_notify, so that a truncation is seen as one

  void set_deadline(std::chrono::milliseconds from_now);
  void clear_deadline();
  [[nodiscard]] bool timed_out() const { return timed_out_; }

  // What is there now, at most `size` bytes (size > 0). kEnd: the peer sends nothing more. After a
  // read that took all there was, the socket is not asked again before wait(): kWantRead.
  Progress read_now(char* data, std::size_t size);
  // As much as goes now. After kWantRead or kWantWrite, or fewer bytes than given, the next call
  // must begin with the bytes that were left and hold at least as many of them (they may lie
  // elsewhere). Never kEnd. `bytes` must not be empty.
  Progress write_now(std::string_view bytes);
  // Waits until what `kind` (kWantRead or kWantWrite) says is possible. False: past the deadline,
  // interrupted or closed; failure() tells.
  Task<bool> wait(Progress::Kind kind);

  // Bytes read, 0 at the end. Errors as failure() gives them.
  Task<Result<std::size_t>> read_some(char* data, std::size_t size);
  // What `bytes` shows must outlive the call.
  Task<Status> write_all(std::string_view bytes);

  // Before TLS only: what comes first, without taking it. Waits until at least `at_least` (1 to
  // kMaxPeek) bytes are there; fewer only when the peer has ended. The view holds until the next
  // call. Reading, or a handshake, then begins with these bytes.
  static constexpr std::size_t kMaxPeek = 16UL * 1024;
  Task<Result<std::string_view>> peek(std::size_t at_least);
  // Before TLS only: puts bytes that were read too many back in front of what comes.
  void unread(std::string_view bytes);

  // Turns this end into a TLS server that shows a certificate for `host` (a lower-case DNS name).
  // `contexts` must outlive the call. kUnavailable, kTimeout or kCancelled as failure() has it;
  // kMalformed when the peer broke the protocol or refused our certificate.
  Task<Status> handshake_server(TlsServerContexts& contexts, std::string host);
  // Turns this end into a TLS client and verifies that the peer is `host`: a lower-case DNS name,
  // or an IP address (then without SNI). `context` must outlive this stream. A certificate that
  // does not verify is kForbidden with the reason "upstream_certificate" and a public detail.
  Task<Status> handshake_client(TlsClientContext& context, std::string host, std::uint16_t port);

  // Tells the peer that nothing more comes (close_notify under TLS, FIN in the clear). Reading goes
  // on.
  Task<Status> shutdown_send();
  // Ends it in good order: close_notify if it can go at once, then close.
  void close();
  // Ends it so that the peer cannot mistake it for a good end (no close_notify, RST).
  void abort();
  // The pending and every later call fails with kCancelled.
  void interrupt();

  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  // The TLS session was resumed: no certificate was exchanged.
  [[nodiscard]] bool resumed() const;
  // After kEnd under TLS: the peer closed without close_notify, so what came last may be cut short.
  [[nodiscard]] bool truncated() const { return truncated_; }
  // A pooled connection is fit for another request: open, and the peer has neither closed nor sent
  // anything (session tickets are taken in).
  [[nodiscard]] bool alive_and_idle();
  // To be called when it goes into the pool: what comes there is noticed then, and the socket need
  // not be asked.
  void watch();
  // The peer has reset the connection, or both ends have closed it. An end of one's own sending
  // (FIN) is no such thing.
  [[nodiscard]] bool reset_by_peer();
  // The peer sends nothing more: reset, or its own end (FIN) has come, whatever lies before it
  // unread.
  [[nodiscard]] bool ended_by_peer();
  // Why the last call failed. Of a peer's bytes it says nothing.
  [[nodiscard]] Error failure() const;

  StreamSocket& raw() { return socket_; }

 private:
  friend struct SocketBio;  // OpenSSL's way to the socket

  void on_deadline() override;
  Progress receive(char* data, std::size_t size);  // past TLS
  ssize_t receive_some(char* data, std::size_t size);
  Task<bool> wait_for_more();
  Task<bool> wait_anew(Progress::Kind kind);
  Progress send(std::string_view bytes);
  Progress read_tls(char* data, std::size_t size);
  Progress write_tls(std::string_view bytes);
  void begin_tls_call();
  Progress tls_outcome(int returned);
  Progress broken(int system_error);
  Status attach(SslHandle ssl);
  Task<Status> handshake();
  void tell_end();

  WatchedSocket socket_;
  SslHandle ssl_;
  std::string ahead_;  // read from the socket (or put back) and not yet taken
  unsigned long tls_error_ = 0;
  int system_error_ = 0;
  bool timed_out_ = false;
  bool interrupted_ = false;
  bool socket_ended_ = false;
  bool tells_rest_ = false;  // the kernel says with each read what it leaves
  bool drained_ = false;     // the last read took all there was
  bool truncated_ = false;
  bool shaken_ = false;      // the handshake is done
  bool tls_broken_ = false;  // the protocol was violated: nothing more may be done under it
};

}  // namespace deployclaw::net

#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/branding/branding.hpp"
#include "api/web/accept_encoding.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace deployclaw::api::web {

struct SiteOptions {
  std::string root;    // the built pages; empty or absent: one page that says how to build them
  std::string origin;  // the public URL, without a last slash; https:// adds HSTS
  Branding branding = {};
  std::size_t most_files = 4096;
  std::size_t most_bytes = 64UL * 1024 * 1024;
};

// The pages, scripts and pictures, read into memory at start and answered from there: what is asked
// for is looked up in a table, never in the file system, so that no path can lead out of it.
//
//   a.html is /a and /a.html, d/index.html is /d, /d/ and /d/index.html; app.html is also every
//   path below /app. x.br and x.gz beside x are its compressed forms; where they are missing, or x
//   has placeholders (template.hpp), they are made at start.
//
// Names under /assets/ that hold a hash may be kept for a year, pages are asked for again each time
// (and answered 304), the rest is kept for an hour. Immutable after load(); safe to share.
class Site {
 public:
  // kInvalid for a page with an unknown placeholder, a file of branding that cannot be read, or
  // more files or bytes than the options allow.
  static Result<Site> load(const SiteOptions& options);

  // The answer to a GET or HEAD for what is no route of the API. 404 with /404.html, or nullopt
  // when there is no such page either; 405 for other methods on a path that is here.
  [[nodiscard]] std::optional<http::Response> answer(const http::Request& request) const;

  [[nodiscard]] std::size_t files() const { return files_; }

 private:
  struct Variant {
    std::string etag;
    std::shared_ptr<const http::PreparedAnswer> answer;
  };
  struct Entry {
    std::array<Variant, 3> variants;  // by Coding
    unsigned codings = 1U;            // bits 1 << Coding
  };
  struct File;
  class Reader;

  void add(const std::string& path, std::shared_ptr<const Entry> entry);
  [[nodiscard]] const Entry* find(const std::string& path) const;
  static http::Response respond(const Entry& entry, const http::Request& request, int status);

  std::unordered_map<std::string, std::shared_ptr<const Entry>> entries_;
  std::size_t files_ = 0;
};

// "text/html; charset=utf-8" and so on by the name's ending; application/octet-stream otherwise.
std::string_view media_type(std::string_view path);

// True for /assets/NAME-HASH.ext (or NAME.HASH.ext) with eight or more characters of hash: the
// content behind it never changes.
bool is_hashed_name(std::string_view path);

// The Content-Security-Policy of all pages: everything from our own host, nothing inline, nobody
// frames us. `counter` is an origin that a script may come from and report to; empty: none.
std::string content_security_policy(std::string_view counter);

}  // namespace deployclaw::api::web

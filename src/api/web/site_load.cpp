// Reading the built pages at start. See site.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "api/web/site.hpp"
#include "api/web/template.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "crypto/sha256.hpp"

namespace deployclaw::api::web {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLeastCompressed = 256;  // smaller ones fit one packet either way

constexpr std::string_view kNoPages =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>DeployClaw</title>"
    "<h1>The pages are not built</h1><p>The API answers at <a "
    "href=\"/api/openapi.json\">/api/openapi.json</a>. To build the pages, run <code>./dev build "
    "web</code> (it needs npm) and start again, or point the setting <code>web.root</code> at a "
    "folder that holds them.</p></html>\n";

bool has_placeholders(std::string_view path) {
  return path.ends_with(".html") || path.ends_with(".webmanifest") || path == "/sitemap.xml" ||
         path == "/robots.txt";
}

bool is_compressible(std::string_view type) {
  return type.starts_with("text/") || type.contains("json") || type.contains("xml") ||
         type.contains("wasm");
}

// Names are ours: what else lies in the folder is no page.
bool is_plain_name(std::string_view path) {
  return !path.contains("/.") && std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  });
}

Result<std::string> read_whole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  if (in) content << in.rdbuf();
  if (!in) return fail(Code::kInvalid, "cannot read " + path.string());
  return std::move(content).str();
}

// The fields that every file is sent with.
http::Headers common_fields(const SiteOptions& options) {
  http::Headers headers;
  const auto& branding = options.branding;
  headers.add("Content-Security-Policy",
              content_security_policy(branding.plausible_domain.empty() ? std::string_view{}
                                                                        : branding.plausible_url));
  headers.add("X-Content-Type-Options", "nosniff");
  headers.add("X-Frame-Options", "DENY");
  // Not "no-referrer": a form's Origin would then be null, and the guard refuses that.
  headers.add("Referrer-Policy", "same-origin");
  headers.add("Cross-Origin-Opener-Policy", "same-origin");
  headers.add("Cross-Origin-Resource-Policy", "same-origin");
  headers.add("Permissions-Policy",
              "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()");
  if (options.origin.starts_with("https://")) {
    headers.add("Strict-Transport-Security", "max-age=31536000");
  }
  return headers;
}

std::string_view lifetime_of(std::string_view path) {
  if (is_hashed_name(path)) return "public, max-age=31536000, immutable";
  if (path.ends_with(".html") || path.starts_with("/branding")) return "no-cache";
  return "public, max-age=3600";
}

}  // namespace

struct Site::File {
  std::string body;
  std::optional<std::string> gzip = {};
  std::optional<std::string> brotli = {};
};

class Site::Reader {
 public:
  explicit Reader(const SiteOptions& options)
      : options_(options),
        values_(page_values(options.branding, options.origin)),
        common_(common_fields(options)) {}

  Result<Site> read() {
    if (auto done = read_folder(); !done) return fail(done.error());
    if (auto done = read_branding(); !done) return fail(done.error());
    Site site;
    for (auto& [path, file] : files_) {
      auto entry = make_entry(path, std::move(file));
      if (!entry) return fail(entry.error());
      site.add(path, std::move(*entry));
    }
    site.files_ = files_.size();
    return site;
  }

 private:
  Status read_folder() {
    std::error_code error;
    if (options_.root.empty() || !fs::is_directory(options_.root, error)) {
      files_["/index.html"].body = kNoPages;
      files_["/app.html"].body = kNoPages;
      return {};
    }
    std::map<std::string, std::string> read;
    std::size_t bytes = 0;
    for (const auto& item : fs::recursive_directory_iterator(options_.root, error)) {
      if (item.is_symlink() || !item.is_regular_file()) continue;
      const auto path = "/" + fs::relative(item.path(), options_.root).generic_string();
      if (!is_plain_name(path)) {
        log::warn("not a page's name", {{"path", path}});
        continue;
      }
      auto content = read_whole(item.path());
      if (!content) return fail(content.error());
      bytes += content->size();
      read.emplace(path, std::move(*content));
      if (read.size() > options_.most_files || bytes > options_.most_bytes) {
        return fail(Code::kInvalid, fmt::format("web.root holds more than {} files or {} bytes",
                                                options_.most_files, options_.most_bytes));
      }
    }
    if (error) return fail(Code::kInvalid, "cannot read web.root: " + error.message());
    sort_out(std::move(read));
    return {};
  }

  // Puts compressed forms to what they are forms of.
  void sort_out(std::map<std::string, std::string> read) {
    for (auto& [path, content] : read) {
      const bool is_form = path.ends_with(".br") || path.ends_with(".gz");
      if (is_form && read.contains(path.substr(0, path.size() - 3))) continue;
      auto& file = files_[path];
      if (const auto br = read.find(path + ".br"); br != read.end()) file.brotli = br->second;
      if (const auto gz = read.find(path + ".gz"); gz != read.end()) file.gzip = gz->second;
      file.body = std::move(content);
    }
  }

  Status read_branding() {
    std::string extra;
    if (!options_.branding.css_file.empty()) {
      auto css = read_whole(options_.branding.css_file);
      if (!css) return context("branding.css_file", css.error());
      extra = std::move(*css);
    }
    files_["/branding.css"] = {.body = branding_css(options_.branding, extra)};
    if (options_.branding.logo_file.empty()) return {};
    auto logo = read_whole(options_.branding.logo_file);
    if (!logo) return context("branding.logo", logo.error());
    files_[logo_path(options_.branding)] = {.body = std::move(*logo)};
    return {};
  }

  Result<std::shared_ptr<const Entry>> make_entry(const std::string& path, File file) {
    const auto type = media_type(path);
    if (has_placeholders(path)) {
      auto filled = fill_template(file.body, values_);
      if (!filled) return context(path, filled.error());
      file = {.body = std::move(*filled)};
    }
    if (is_compressible(type) && file.body.size() >= kLeastCompressed) {
      if (!file.brotli) file.brotli = compress(file.body, Coding::kBrotli);
      if (!file.gzip) file.gzip = compress(file.body, Coding::kGzip);
    }
    // One name for the content, one for each form of it.
    const auto digest = crypto::sha256_hex(bytes_of(file.body)).substr(0, 20);
    const bool varies = file.brotli || file.gzip;
    const auto prepare = [&](Entry& entry, Coding coding, std::string body) {
      const std::string_view name = coding == Coding::kBrotli ? "br"
                                    : coding == Coding::kGzip ? "gzip"
                                                              : "";
      http::Headers headers = common_;
      Variant& variant = entry.variants[static_cast<std::size_t>(coding)];
      variant.etag = fmt::format("\"{}{}{}\"", digest, name.empty() ? "" : "-", name);
      headers.add("Content-Type", std::string(type));
      headers.add("Cache-Control", std::string(lifetime_of(path)));
      headers.add("ETag", variant.etag);
      if (varies) headers.add("Vary", "Accept-Encoding");
      if (!name.empty()) headers.add("Content-Encoding", std::string(name));
      variant.answer = std::make_shared<const http::PreparedAnswer>(
          http::PreparedAnswer{.fields = http::prepared_fields(headers), .body = std::move(body)});
      entry.codings |= 1U << static_cast<unsigned>(coding);
    };
    auto entry = std::make_shared<Entry>();
    if (file.brotli) prepare(*entry, Coding::kBrotli, std::move(*file.brotli));
    if (file.gzip) prepare(*entry, Coding::kGzip, std::move(*file.gzip));
    prepare(*entry, Coding::kIdentity, std::move(file.body));
    return entry;
  }

  const SiteOptions& options_;
  Values values_;
  http::Headers common_;
  std::map<std::string, File> files_;
};

Result<Site> Site::load(const SiteOptions& options) {
  if (auto good = check_branding(options.branding); !good) return fail(good.error());
  return Reader(options).read();
}

}  // namespace deployclaw::api::web

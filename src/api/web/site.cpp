#include "api/web/site.hpp"

#include "http/etag.hpp"
#include "http/problem.hpp"

namespace deployclaw::api::web {

void Site::add(const std::string& path, std::shared_ptr<const Entry> entry) {
  constexpr std::string_view kPage = ".html";
  constexpr std::string_view kIndex = "/index.html";
  if (path.ends_with(kIndex)) {
    const auto folder = path.substr(0, path.size() - kIndex.size());
    entries_.insert_or_assign(folder + "/", entry);
    if (!folder.empty()) entries_.insert_or_assign(folder, entry);
  } else if (path.ends_with(kPage)) {
    entries_.insert_or_assign(path.substr(0, path.size() - kPage.size()), entry);
  }
  entries_.insert_or_assign(path, std::move(entry));
}

const Site::Entry* Site::find(const std::string& path) const {
  auto found = entries_.find(path);
  // The application finds its own way below /app.
  if (found == entries_.end() && path.starts_with("/app/")) found = entries_.find("/app.html");
  return found == entries_.end() ? nullptr : found->second.get();
}

http::Response Site::respond(const Entry& entry, const http::Request& request, int status) {
  const auto accepted = request.headers.get("accept-encoding").value_or("");
  const Variant& variant =
      entry.variants[static_cast<std::size_t>(choose_coding(accepted, entry.codings))];
  http::Response response;
  response.status = status;
  response.prepared = variant.answer;
  const auto known = request.headers.get("if-none-match");
  if (status == 200 && known && http::if_none_match_names(*known, variant.etag)) {
    response.status = 304;
  }
  return response;
}

std::optional<http::Response> Site::answer(const http::Request& request) const {
  const bool reads = request.method == http::Method::kGet || request.method == http::Method::kHead;
  if (const Entry* entry = find(request.path)) {
    if (reads) return respond(*entry, request, 200);
    auto refused = http::problem_with_status(405, "method_not_allowed",
                                             "This path does not know the method.", request.id);
    refused.headers.add("Allow", "GET, HEAD");
    return refused;
  }
  const Entry* missing = reads ? find("/404.html") : nullptr;
  if (missing == nullptr || request.path.starts_with("/assets/")) return std::nullopt;
  return respond(*missing, request, 404);
}

}  // namespace deployclaw::api::web

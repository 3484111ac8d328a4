#include "http/router.hpp"

#include <array>
#include <stdexcept>

#include "http/problem.hpp"

namespace deployclaw::http {
namespace {

constexpr std::array kMethods = {Method::kGet,   Method::kHead,   Method::kPost,   Method::kPut,
                                 Method::kPatch, Method::kDelete, Method::kOptions};

// Splits "/a/b" into "a" and "/b".
std::pair<std::string_view, std::string_view> split_segment(std::string_view path) {
  path.remove_prefix(1);
  const auto end = path.find('/');
  if (end == std::string_view::npos) return {path, {}};
  return {path.substr(0, end), path.substr(end)};
}

Task<Response> ready(Response response) { co_return response; }

}  // namespace

struct Router::Node {
  struct Endpoint {
    const Route* route = nullptr;
    std::vector<std::string> names;  // of the parameters, in path order
  };
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::array<Endpoint, kMethods.size()> endpoints{};
  bool has_endpoint = false;

  // The node for `path`, with the segments that parameters took in `values`. A literal wins over a
  // parameter, but a dead end below it falls back to the parameter.
  const Node* walk(std::string_view path, std::vector<std::string_view>& values) const {
    if (path.empty()) return has_endpoint ? this : nullptr;
    const auto [segment, tail] = split_segment(path);
    for (const auto& [text, child] : literals) {
      if (text != segment) continue;
      if (const Node* found = child->walk(tail, values)) return found;
      break;
    }
    if (parameter && !segment.empty()) {
      values.push_back(segment);
      if (const Node* found = parameter->walk(tail, values)) return found;
      values.pop_back();
    }
    if (rest && path.size() > 1) {
      values.push_back(path.substr(1));
      return rest.get();
    }
    return nullptr;
  }
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string pattern, RouteInfo info, Handler handler) {
  if (!pattern.starts_with('/') || method == Method::kOther) {
    throw std::logic_error("bad route " + pattern);
  }
  Node* node = root_.get();
  std::vector<std::string> names;
  std::string_view path = pattern;
  while (!path.empty()) {
    const auto [segment, tail] = split_segment(path);
    path = tail;
    if (segment.starts_with('*')) {
      if (!tail.empty()) throw std::logic_error("'*' must be the last segment: " + pattern);
      names.emplace_back(segment.substr(1));
      if (!node->rest) node->rest = std::make_unique<Node>();
      node = node->rest.get();
    } else if (segment.starts_with(':')) {
      names.emplace_back(segment.substr(1));
      if (!node->parameter) node->parameter = std::make_unique<Node>();
      node = node->parameter.get();
    } else {
      Node* next = nullptr;
      for (auto& [text, child] : node->literals) {
        if (text == segment) next = child.get();
      }
      if (next == nullptr) {
        next = node->literals.emplace_back(std::string(segment), std::make_unique<Node>())
                   .second.get();
      }
      node = next;
    }
  }
  auto& endpoint = node->endpoints[static_cast<std::size_t>(method)];
  if (endpoint.route != nullptr) throw std::logic_error("route added twice: " + pattern);
  auto route = std::make_unique<Route>(
      Route{method, std::move(pattern), std::move(info), std::move(handler)});
  endpoint.route = route.get();
  endpoint.names = std::move(names);
  node->has_endpoint = true;
  routes_.push_back(std::move(route));
}

Router::Match Router::find(Method method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  std::vector<std::string_view> values;
  const Node* node = root_->walk(path, values);
  if (node == nullptr) return match;
  const auto endpoint_of = [node](Method m) -> const Node::Endpoint* {
    const auto index = static_cast<std::size_t>(m);
    if (index >= node->endpoints.size() || node->endpoints[index].route == nullptr) return nullptr;
    return &node->endpoints[index];
  };
  const Node::Endpoint* endpoint = endpoint_of(method);
  if (endpoint == nullptr && method == Method::kHead) endpoint = endpoint_of(Method::kGet);
  if (endpoint != nullptr) {
    match.route = endpoint->route;
    match.params.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      match.params.emplace_back(endpoint->names[i], values[i]);
    }
    return match;
  }
  for (const Method m : kMethods) {
    const bool has = endpoint_of(m) != nullptr || m == Method::kOptions ||
                     (m == Method::kHead && endpoint_of(Method::kGet) != nullptr);
    if (!has) continue;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += to_string(m);
  }
  return match;
}

Task<Response> Router::dispatch(Request request) const {
  Match match = find(request.method, request.path);
  if (match.route == nullptr) return ready(refuse(match, request));
  request.params = std::move(match.params);
  return match.route->handler(std::move(request));
}

Response Router::refuse(const Match& match, const Request& request) {
  if (match.allow.empty()) {
    return problem(Error{.code = Code::kNotFound, .message = "no route"}, request.id);
  }
  Response response;
  if (request.method == Method::kOptions) {
    response.status = 204;
  } else {
    response = problem_with_status(405, "method_not_allowed", "This path does not know the method.",
                                   request.id);
  }
  response.headers.add("Allow", match.allow);
  return response;
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> out;
  out.reserve(routes_.size());
  for (const auto& route : routes_) out.push_back(route.get());
  return out;
}

}  // namespace deployclaw::http

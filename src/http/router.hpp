#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.hpp"
#include "http/message.hpp"

namespace deployclaw::http {

using Handler = std::function<Task<Response>(Request)>;

// What is known about a route besides its handler. The router does not interpret it.
struct RouteInfo {
  std::string operation_id;  // as in the OpenAPI file
  std::uint32_t access = 0;  // an enum of the owner: public, password, full, fresh …
  std::string scope = {};    // API-key scope that admits ("agents:read"); "" means none does
};

struct Route {
  Method method;
  std::string pattern;  // "/api/agents/:id"
  RouteInfo info;
  Handler handler;
};

// Finds the handler of a path. Routes are added before serving; matching is one walk over a tree of
// segments, a literal before a parameter, without allocation except for parameter values.
// Immutable while serving, so safe to share.
class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `pattern` starts with '/'; a segment ":name" matches any one non-empty segment; a last segment
  // "*name" matches the non-empty rest of the path, slashes included. A GET route also serves HEAD.
  // Adding the same method and pattern twice throws std::logic_error (a bug).
  void add(Method method, std::string pattern, RouteInfo info, Handler handler);

  struct Match {
    const Route* route = nullptr;  // null: nothing serves this path with this method
    std::vector<std::pair<std::string, std::string>> params;
    std::string allow;  // for 405: the methods that the path has; empty means 404
  };
  [[nodiscard]] Match find(Method method, std::string_view path) const;

  // find(), then the handler with request.params set; 404 or 405 with Allow as problems. OPTIONS on
  // a known path without a handler of its own answers 204 with Allow.
  [[nodiscard]] Task<Response> dispatch(Request request) const;
  // The problem (or OPTIONS answer) for a Match without a route.
  [[nodiscard]] static Response refuse(const Match& match, const Request& request);

  // All routes in the order they were added.
  [[nodiscard]] std::vector<const Route*> routes() const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace deployclaw::http

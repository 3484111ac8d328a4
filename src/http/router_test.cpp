#include "http/router.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <stdexcept>

namespace deployclaw::http {
namespace {

Task<Response> echo_params(Request request) {
  Response response;
  for (const auto& [name, value] : request.params) response.body += name + "=" + value + ";";
  co_return response;
}

Router sample() {
  Router router;
  router.add(Method::kGet, "/", {.operation_id = "root"}, echo_params);
  router.add(Method::kGet, "/api/agents", {.operation_id = "list"}, echo_params);
  router.add(Method::kPost, "/api/agents", {.operation_id = "create"}, echo_params);
  router.add(Method::kGet, "/api/agents/:id", {.operation_id = "read"}, echo_params);
  router.add(Method::kDelete, "/api/agents/:id/credentials/:name", {.operation_id = "drop"},
             echo_params);
  router.add(Method::kGet, "/api/agents/special/x", {.operation_id = "special"}, echo_params);
  router.add(Method::kGet, "/assets/*path", {.operation_id = "asset"}, echo_params);
  return router;
}

std::string operation(const Router& router, Method method, std::string_view path) {
  const auto match = router.find(method, path);
  return match.route == nullptr ? "none" : match.route->info.operation_id;
}

Response ask(const Router& router, Method method, std::string path) {
  boost::asio::io_context io;
  Request request;
  request.method = method;
  request.path = std::move(path);
  request.id = "r";
  auto answer =
      boost::asio::co_spawn(io, router.dispatch(std::move(request)), boost::asio::use_future);
  io.run();
  return answer.get();
}

TEST(Router, FindsTheRoute) {
  const auto router = sample();
  EXPECT_EQ(operation(router, Method::kGet, "/"), "root");
  EXPECT_EQ(operation(router, Method::kGet, "/api/agents"), "list");
  EXPECT_EQ(operation(router, Method::kHead, "/api/agents"), "list");
  EXPECT_EQ(operation(router, Method::kPost, "/api/agents"), "create");
  EXPECT_EQ(operation(router, Method::kGet, "/api/agents/a"), "read");
  EXPECT_EQ(operation(router, Method::kGet, "/assets/a/b.js"), "asset");
  for (const char* path :
       {"/api", "/api/agents/", "/api/agents/a/", "/API/agents", "/api/agents/a/b", "", "x",
        "/assets", "/assets/", "/api/agents/a/credentials/"}) {
    EXPECT_EQ(operation(router, Method::kGet, path), "none") << path;
  }
}

TEST(Router, PrefersLiteralsAndFallsBack) {
  const auto router = sample();
  EXPECT_EQ(operation(router, Method::kGet, "/api/agents/special/x"), "special");
  EXPECT_EQ(operation(router, Method::kGet, "/api/agents/special"), "read");
  EXPECT_EQ(operation(router, Method::kDelete, "/api/agents/special/credentials/k"), "drop");
}

TEST(Router, HandsOverParameters) {
  const auto router = sample();
  EXPECT_EQ(ask(router, Method::kDelete, "/api/agents/7/credentials/a b").body, "id=7;name=a b;");
  EXPECT_EQ(ask(router, Method::kGet, "/assets/x/y").body, "path=x/y;");
}

TEST(Router, AnswersProblemsFor404And405) {
  const auto router = sample();
  EXPECT_EQ(ask(router, Method::kGet, "/nothing").status, 404);
  const auto response = ask(router, Method::kDelete, "/api/agents");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.get("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(response.headers.get("content-type"), "application/problem+json");
  const auto options = ask(router, Method::kOptions, "/api/agents");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.get("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(ask(router, Method::kOther, "/api/agents").status, 405);
}

TEST(Router, ListsRoutesAndRefusesDuplicates) {
  auto router = sample();
  EXPECT_EQ(router.routes().size(), 7U);
  EXPECT_EQ(router.routes()[3]->pattern, "/api/agents/:id");
  EXPECT_THROW(router.add(Method::kGet, "/api/agents/:other", {}, echo_params), std::logic_error);
  EXPECT_THROW(router.add(Method::kGet, "no-slash", {}, echo_params), std::logic_error);
  EXPECT_THROW(router.add(Method::kGet, "/*rest/more", {}, echo_params), std::logic_error);
}

}  // namespace
}  // namespace deployclaw::http

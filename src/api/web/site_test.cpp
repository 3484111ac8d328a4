#include "api/web/site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "api/testing/fixture.hpp"

namespace deployclaw::api::web {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// A little web/dist.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "deployclaw-site-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    put("index.html",
        "<title>{{name}}</title>{{#bookCallUrl}}<a href=\"{{bookCallUrl}}\">call</a>"
        "{{/bookCallUrl}}" +
            std::string(400, ' '));
    put("app.html", "<title>app</title>");
    put("404.html", "<title>not here</title>");
    put("legal/terms.html", "terms");
    put("docs/index.html", "docs");
    put("robots.txt", "Sitemap: {{origin}}/sitemap.xml");
    put("assets/app-BQ5xV9f_.js", std::string(1000, 'x'));
    put("assets/app-BQ5xV9f_.js.br", "made by the build");
    put("assets/plain.js", "y");
    put("assets/template.js", "const a = `{{name}}`");
    put(".env", "secret");
    put("lone.br", "no form of anything");
  }
  ~Folder() { fs::remove_all(path_); }
  void put(const std::string& name, std::string_view content) const {
    fs::create_directories((fs::path(path_) / name).parent_path());
    std::ofstream(fs::path(path_) / name) << content;
  }
  [[nodiscard]] std::string path(std::string_view name = "") const {
    return path_ + (name.empty() ? "" : "/" + std::string(name));
  }

 private:
  std::string path_;
};

class SiteTest : public ::testing::Test {
 protected:
  http::Response get(std::string path, http::Headers headers = {},
                     http::Method method = http::Method::kGet) {
    const auto site = Site::load(options);
    if (!site) {
      ADD_FAILURE() << site.error().message;
      return {};
    }
    http::Request request;
    request.method = method;
    request.path = std::move(path);
    request.headers = std::move(headers);
    auto answer = site->answer(request);
    if (!answer) {
      http::Response none;
      none.status = 0;
      return none;
    }
    return std::move(*answer);
  }
  std::string body(const std::string& path) {
    const auto response = get(path);
    return response.prepared ? response.prepared->body : "";
  }
  static http::Headers accepting(std::string coding) {
    http::Headers headers;
    headers.add("Accept-Encoding", std::move(coding));
    return headers;
  }

  Folder folder;
  SiteOptions options{.root = folder.path(), .origin = "https://console.example.com"};
};

TEST_F(SiteTest, PagesAreFoundByTheirNames) {
  EXPECT_THAT(body("/"), HasSubstr("<title>DeployClaw</title>"));
  EXPECT_EQ(body("/legal/terms"), "terms");
  EXPECT_EQ(body("/legal/terms.html"), "terms");
  EXPECT_EQ(body("/docs"), "docs");
  EXPECT_EQ(body("/docs/"), "docs");
  for (const char* path : {"/app", "/app/", "/app/agents", "/app/agents/1/settings"}) {
    EXPECT_EQ(body(path), "<title>app</title>") << path;
  }
  EXPECT_EQ(body("/robots.txt"), "Sitemap: https://console.example.com/sitemap.xml");
  EXPECT_EQ(body("/assets/template.js"), "const a = `{{name}}`") << "only pages have placeholders";
}

TEST_F(SiteTest, WhatIsNotInTheTableIsNotThere) {
  for (const char* path : {"/nothing", "/.env", "/../etc/passwd", "/legal", "/applications"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.prepared->body, "<title>not here</title>") << path;
  }
  EXPECT_EQ(get("/assets/gone-BQ5xV9f_.js").status, 0) << "a missing script is no page";
  EXPECT_EQ(get("/nothing", {}, http::Method::kPost).status, 0);
  EXPECT_EQ(get("/", {}, http::Method::kPost).status, 405);
  EXPECT_EQ(get("/", {}, http::Method::kHead).status, 200);
}

TEST_F(SiteTest, ALinkOutOfTheFolderIsNotFollowed) {
  fs::create_symlink("/etc/hostname", folder.path("host.txt"));
  fs::create_directory_symlink("/etc", folder.path("etc"));
  EXPECT_EQ(get("/host.txt").status, 404);
  EXPECT_EQ(get("/etc/hostname").status, 404);
}

TEST_F(SiteTest, CompressedFormsAreTheBuildsOrOurOwn) {
  const auto built = get("/assets/app-BQ5xV9f_.js", accepting("br, gzip"));
  EXPECT_EQ(built.prepared->body, "made by the build");
  EXPECT_THAT(built.prepared->fields, HasSubstr("Content-Encoding: br\r\n"));
  EXPECT_THAT(built.prepared->fields, HasSubstr("Vary: Accept-Encoding\r\n"));
  const auto page = get("/", accepting("gzip"));
  EXPECT_THAT(page.prepared->fields, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_LT(page.prepared->body.size(), body("/").size());
  EXPECT_EQ(body("/lone.br"), "no form of anything");
  EXPECT_THAT(get("/").prepared->fields, Not(HasSubstr("Content-Encoding")));
}

TEST_F(SiteTest, ATagNamesTheContentAndItsForm) {
  const auto tag = [](const http::Response& response) {
    const auto& fields = response.prepared->fields;
    const auto start = fields.find("ETag: ") + 6;
    return fields.substr(start, fields.find('\r', start) - start);
  };
  const auto identity = tag(get("/"));
  const auto gzip = tag(get("/", accepting("gzip")));
  EXPECT_NE(identity, gzip);
  http::Headers headers = accepting("gzip");
  headers.add("If-None-Match", "\"other\", " + gzip);
  EXPECT_EQ(get("/", headers).status, 304);
  headers.set("If-None-Match", identity);
  EXPECT_EQ(get("/", headers).status, 200);
}

TEST_F(SiteTest, HashedNamesAreKeptAndPagesAskedForAgain) {
  EXPECT_THAT(get("/assets/app-BQ5xV9f_.js").prepared->fields, HasSubstr("immutable"));
  EXPECT_THAT(get("/assets/plain.js").prepared->fields, Not(HasSubstr("immutable")));
  EXPECT_THAT(get("/").prepared->fields, HasSubstr("Cache-Control: no-cache\r\n"));
  EXPECT_THAT(get("/branding.css").prepared->fields, HasSubstr("Cache-Control: no-cache\r\n"));
  EXPECT_TRUE(is_hashed_name("/assets/x/uplot.D4f0_-9a.css"));
  EXPECT_TRUE(is_hashed_name("/assets/a-b-c-12345678.js"));
  EXPECT_FALSE(is_hashed_name("/assets/a-1234567.js"));
  EXPECT_FALSE(is_hashed_name("/assets/12345678.js"));
  EXPECT_FALSE(is_hashed_name("/other/a-12345678.js"));
}

TEST_F(SiteTest, ThePolicyAllowsOurOwnHostAlone) {
  const auto fields = get("/").prepared->fields;
  EXPECT_THAT(fields, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self';"));
  EXPECT_THAT(fields, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(fields, Not(HasSubstr("unsafe")));
  EXPECT_THAT(fields, Not(HasSubstr("http")));
  EXPECT_THAT(fields, HasSubstr("Strict-Transport-Security"));
  options.origin = "http://localhost:8080";
  EXPECT_THAT(get("/").prepared->fields, Not(HasSubstr("Strict-Transport-Security")));
}

TEST_F(SiteTest, ACounterIsAllowedOnlyWhenItIsSet) {
  options.branding.plausible_domain = "example.com";
  const auto fields = get("/").prepared->fields;
  EXPECT_THAT(fields, HasSubstr("script-src 'self' https://plausible.io;"));
  EXPECT_THAT(fields, HasSubstr("connect-src 'self' https://plausible.io;"));
}

TEST_F(SiteTest, BrandingChangesPagesAndColours) {
  folder.put("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
  folder.put("own.css", ":root{--radius:0}");
  options.branding = {.name = "Ants & Co",
                      .logo_file = folder.path("logo.svg"),
                      .accent = "#0a0b0c",
                      .css_file = folder.path("own.css"),
                      .book_call_url = "https://call.example/?a=1&b=2"};
  EXPECT_THAT(body("/"), HasSubstr("<title>Ants &amp; Co</title>"));
  EXPECT_THAT(body("/"), HasSubstr("href=\"https://call.example/?a=1&amp;b=2\""));
  EXPECT_EQ(body("/branding.css"), ":root{--accent:#0a0b0c}\n:root{--radius:0}");
  EXPECT_THAT(get("/branding/logo.svg").prepared->fields, HasSubstr("image/svg+xml"));
  options.branding = {};
  EXPECT_THAT(body("/"), Not(HasSubstr("call")));
  EXPECT_EQ(body("/branding.css"), "");
}

TEST_F(SiteTest, BadBrandingIsRefusedByName) {
  const auto refusal = [this](Branding branding) {
    options.branding = std::move(branding);
    const auto site = Site::load(options);
    return site ? "" : site.error().message;
  };
  EXPECT_THAT(refusal({.name = ""}), HasSubstr("branding.name"));
  EXPECT_THAT(refusal({.accent = "red;}"}), HasSubstr("branding.accent"));
  EXPECT_THAT(refusal({.book_call_url = "javascript:alert(1)"}),
              HasSubstr("branding.book_call_url"));
  EXPECT_THAT(refusal({.support_email = "nobody"}), HasSubstr("branding.support"));
  EXPECT_THAT(refusal({.logo_file = "/logo.html"}), HasSubstr("branding.logo"));
  EXPECT_THAT(refusal({.css_file = "/nowhere.css"}), HasSubstr("branding.css_file"));
  EXPECT_THAT(refusal({.plausible_domain = "a;b"}), HasSubstr("branding.plausible_domain"));
  EXPECT_THAT(refusal({.plausible_domain = "a.example", .plausible_url = "https://p.example; x"}),
              HasSubstr("branding.plausible_url"));
}

TEST_F(SiteTest, TooMuchAndUnknownPlaceholdersAreRefused) {
  options.most_files = 3;
  EXPECT_FALSE(Site::load(options));
  options.most_files = 4096;
  options.most_bytes = 100;
  EXPECT_FALSE(Site::load(options));
  options.most_bytes = 1'000'000;
  folder.put("new.html", "{{nothing}}");
  const auto site = Site::load(options);
  ASSERT_FALSE(site);
  EXPECT_THAT(site.error().message, HasSubstr("/new.html: {{nothing}}"));
}

TEST_F(SiteTest, WithoutPagesOneSaysHowToBuildThem) {
  options.root = folder.path("nowhere");
  EXPECT_THAT(body("/"), HasSubstr("./dev build web"));
  EXPECT_THAT(body("/app/agents"), HasSubstr("./dev build web"));
}

TEST_F(SiteTest, AServerSendsThemBesideItsApi) {
  auto config = api::testing::Fixture::test_config();
  config.web_root = folder.path();
  config.branding.name = "Ants";
  api::testing::Fixture server(config);
  api::testing::Client anyone(server);
  const auto page = anyone.get("/app/agents");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.text, "<title>app</title>");
  EXPECT_EQ(page.headers.get("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.count("content-security-policy"), 1U);
  const auto head = anyone.send(http::Method::kHead, "/");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.text, "");
  EXPECT_NE(head.headers.get("content-length"), "0");
  const auto again = anyone.get("/", {{"If-None-Match", std::string(*head.headers.get("etag"))}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.text, "");
  EXPECT_EQ(anyone.get("/api/nothing").code(), "not_found");
  EXPECT_EQ(anyone.get("/api/branding").string_at("name"), "Ants");
}

}  // namespace
}  // namespace deployclaw::api::web

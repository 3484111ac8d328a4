#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/injection.hpp"
#include "services/testing/project_catalogue.hpp"

namespace deployclaw::services::testing {

// An agent with some credentials and the request it sends.
class InjectionTest : public ::testing::Test {
 protected:
  void give(std::string kind, std::string placeholder, std::string_view value) {
    credentials_.push_back({.name = kind, .kind = kind, .hosts = {}, .placeholder = placeholder});
    values_.insert_or_assign(kind, Secret::copy_of(value));
  }

  // Every place of the kinds given.
  std::vector<Injection> injections() {
    std::vector<Injection> list;
    for (const auto& credential : credentials_) {
      const auto* kind = project_catalogue().find_kind(credential.kind);
      for (const auto& place : kind->places) list.push_back({&credential, &place});
    }
    return list;
  }

  SecretSource source() {
    return [this](std::string_view name) -> const Secret* {
      const auto found = values_.find(std::string(name));
      return found == values_.end() ? nullptr : &found->second;
    };
  }

  Result<Injected> inject(std::string_view target, http::Headers headers = {}) {
    auto canonical = http::canonical_target(target);
    EXPECT_TRUE(canonical) << target;
    target_ = std::move(*canonical);
    head_.headers = std::move(headers);
    return inject_head(head_, target_, injections(), credentials_, source());
  }

  static http::Headers headers(std::initializer_list<std::pair<const char*, std::string>> fields) {
    http::Headers out;
    for (const auto& [name, value] : fields) out.add(name, value);
    return out;
  }

  std::string reason(const Result<Injected>& result) {
    if (result) return "accepted";
    EXPECT_FALSE(result.error().public_detail.empty());
    for (const auto& [name, value] : values_) {
      EXPECT_FALSE(result.error().public_detail.contains(value.expose_text()));
      EXPECT_FALSE(result.error().message.contains(value.expose_text()));
    }
    return result.error().reason;
  }

  std::vector<AgentCredential> credentials_;
  std::map<std::string, Secret> values_;
  http::RequestHead head_;
  http::CanonicalTarget target_;
};

}  // namespace deployclaw::services::testing

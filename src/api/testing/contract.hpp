#pragma once

#include <string>

#include "api/testing/fixture.hpp"
#include "http/router.hpp"

namespace deployclaw::api::testing {

// Holds an answer of the running server against the OpenAPI document: the operation is there, it
// names this status, the content type is one of that status's, a JSON body fits its schema. Fails
// the test with every mistake.
void expect_in_contract(const http::Router& router, http::Method method, const std::string& target,
                        const Answer& answer);

// "/api/agents/:id" as OpenAPI writes it: "/api/agents/{id}".
std::string openapi_path(std::string_view pattern);

}  // namespace deployclaw::api::testing

#include "api/web/template.hpp"

#include <gtest/gtest.h>

namespace deployclaw::api::web {
namespace {

const Values kValues{
    {"name", "A & <b> \"c\" 'd'"}, {"empty", ""}, {"url", "https://x.example/?a=1&b=2"}};

std::string filled(std::string_view text) {
  const auto out = fill_template(text, kValues);
  return out ? *out : "error: " + out.error().message;
}

TEST(Template, ValuesAreEscapedForTextAndAttributes) {
  EXPECT_EQ(filled("<a href=\"{{url}}\">{{name}}</a>"),
            "<a href=\"https://x.example/?a=1&amp;b=2\">A &amp; &lt;b&gt; &quot;c&quot; "
            "&#39;d&#39;</a>");
}

TEST(Template, SectionsStayWhenTheirValueIsThereOrIsNot) {
  EXPECT_EQ(
      filled("1{{#url}}2{{/url}}3{{#empty}}4{{/empty}}5{{^empty}}6{{/empty}}7{{^url}}8{{/url}}"),
      "123567");
  EXPECT_EQ(filled("{{#empty}}a{{#url}}b{{/url}}c{{/empty}}d"), "d");
  EXPECT_EQ(filled("{{#url}}a{{#empty}}b{{/empty}}c{{/url}}d"), "acd");
}

TEST(Template, AValueIsNotReadAsATemplate) {
  const Values values{{"name", "{{other}}"}, {"other", "secret"}};
  EXPECT_EQ(fill_template("{{name}}", values).value_or(""), "{{other}}");
}

TEST(Template, WhatItDoesNotKnowIsAnErrorThatNamesIt) {
  EXPECT_EQ(filled("{{nme}}"), "error: {{nme}} is no known value");
  EXPECT_EQ(filled("a {{name"), "error: a {{ without its }}");
  EXPECT_EQ(filled("{{#name}}"), "error: {{#name}} is not closed");
  EXPECT_EQ(filled("{{/name}}"), "error: {{/name}} closes nothing");
  EXPECT_EQ(filled("{{#name}}{{#url}}{{/name}}{{/url}}"), "error: {{/name}} closes nothing");
}

}  // namespace
}  // namespace deployclaw::api::web

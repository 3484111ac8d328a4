#include "crypto/qr.hpp"

#include <gtest/gtest.h>

namespace deployclaw::crypto {
namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Qr, DrawsOneSvgWithAnAccessibleName) {
  const auto svg = qr_svg("otpauth://totp/x?secret=ABC", "Two-factor setup code");
  ASSERT_TRUE(svg);
  EXPECT_EQ(svg->substr(0, 5), "<svg ");
  EXPECT_TRUE(svg->ends_with("</svg>"));
  EXPECT_TRUE(contains(*svg, "role=\"img\""));
  EXPECT_TRUE(contains(*svg, "<title>Two-factor setup code</title>"));
}

TEST(Qr, NeedsNothingAStrictContentSecurityPolicyForbids) {
  const auto svg = qr_svg("hello", "t");
  ASSERT_TRUE(svg);
  for (const std::string_view forbidden : {"style", "<script", "href", "onload", "<image"}) {
    EXPECT_FALSE(contains(*svg, forbidden)) << forbidden;
  }
}

TEST(Qr, EscapesTheTitle) {
  const auto svg = qr_svg("hello", "</title><script>alert('1')</script>&\"");
  ASSERT_TRUE(svg);
  EXPECT_FALSE(contains(*svg, "<script"));
  EXPECT_TRUE(contains(*svg, "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)"));
}

// Version 1 is 21 modules wide; its first row starts with the finder pattern, 7 dark modules.
TEST(Qr, DrawsTheFinderPatternInsideTheQuietZone) {
  const auto svg = qr_svg("HELLO", "t");
  ASSERT_TRUE(svg);
  EXPECT_TRUE(contains(*svg, "viewBox=\"0 0 29 29\""));
  EXPECT_TRUE(contains(*svg, "d=\"M4 4h7v1h-7z"));
}

TEST(Qr, RefusesWhatDoesNotFit) {
  const auto svg = qr_svg(std::string(5000, 'x'), "t");
  ASSERT_FALSE(svg);
  EXPECT_EQ(svg.error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace deployclaw::crypto

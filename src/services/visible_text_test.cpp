#include "services/visible_text.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/encoding.hpp"

namespace deployclaw::services {
namespace {

TEST(VisibleText, ShowsWhatIsHidden) {
  EXPECT_EQ(visible_text("plain, ä, 日本, 😀", Lines::kOne), "plain, ä, 日本, 😀");
  EXPECT_EQ(visible_text("a\nb\tc\r\nd", Lines::kOne), "a<U+000A>b<U+0009>c<U+000D><U+000A>d");
  EXPECT_EQ(visible_text("a\r\nb\tc\rd", Lines::kMany), "a\nb\tc<U+000D>d");
  EXPECT_EQ(visible_text("to\xe2\x80\xaemoc", Lines::kMany), "to<U+202E>moc");
  EXPECT_EQ(visible_text("a\xe2\x80\x8b"
                         "b",
                         Lines::kMany),
            "a<U+200B>b");
  EXPECT_EQ(visible_text("\xf3\xa0\x81\x81", Lines::kMany), "<U+E0041>");  // a tag
  EXPECT_EQ(visible_text("\x1b[2Jx", Lines::kMany), "<U+001B>[2Jx");
  EXPECT_EQ(visible_text(std::string_view("\0", 1), Lines::kMany), "<U+0000>");
}

TEST(VisibleText, ShowsBytesThatAreNoText) {
  EXPECT_EQ(visible_text("\xff\xfe", Lines::kOne), "<0xFF><0xFE>");
  EXPECT_EQ(visible_text("\xc0\xaf", Lines::kOne), "<0xC0><0xAF>");            // overlong
  EXPECT_EQ(visible_text("\xed\xa0\x80", Lines::kOne), "<0xED><0xA0><0x80>");  // a surrogate
  EXPECT_EQ(visible_text("\xe2\x80", Lines::kOne), "<0xE2><0x80>");            // cut short
}

RC_GTEST_PROP(VisibleText, IsAlwaysTextOfBoundedLength, ()) {
  const auto bytes = *rc::gen::string<std::string>();
  for (const auto lines : {Lines::kOne, Lines::kMany}) {
    const auto shown = visible_text(bytes, lines);
    RC_ASSERT(is_utf8(shown));
    RC_ASSERT(shown.size() <= 8 * bytes.size());
    RC_ASSERT(visible_text(shown, lines) == shown);
  }
}

TEST(VisibleText, TellsTextFromBytes) {
  EXPECT_TRUE(is_readable("{\"a\": 1}\r\n"));
  EXPECT_TRUE(is_readable("ein B\xc3\xa4r"));
  EXPECT_FALSE(is_readable("\x89PNG\r\n"));
  EXPECT_FALSE(is_readable(std::string(100, '\x01')));
}

}  // namespace
}  // namespace deployclaw::services

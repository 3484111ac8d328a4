#include "scrub/scrubber.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "scrub/pattern_index.hpp"
#include "scrub/testing/slow_oracle.hpp"
#include "scrub/testing/spellings.hpp"

namespace deployclaw::scrub {
namespace {

using namespace std::string_literals;
using testing::Speller;
using Escaping = Speller::Escaping;

struct Named {
  std::string value;
  std::string placeholder;
};

std::shared_ptr<const PatternSet> set_of(const std::vector<Named>& values) {
  std::vector<PatternSource> sources;
  for (const auto& [value, placeholder] : values) {
    sources.push_back({.id = static_cast<std::uint32_t>(sources.size()),
                       .value = Secret::copy_of(value),
                       .placeholder = placeholder});
  }
  auto set = PatternSet::build(std::move(sources));
  if (!set) throw std::runtime_error(set.error().message);
  return *set;
}

struct Streamed {
  std::string text;
  std::vector<Hit> hits;
  std::size_t most_held = 0;
  std::uint64_t steps = 0;
};

// As a proxy uses it; `next_size` gives the size of each read.
template <class NextSize>
Streamed stream(const std::shared_ptr<const PatternSet>& set, std::string_view in,
                const NextSize& next_size) {
  Streamed result;
  Scrubber scrubber(set);
  std::string buffer;
  while (true) {
    const auto piece = in.substr(0, next_size());
    in.remove_prefix(piece.size());
    buffer += piece;
    const bool end = in.empty();
    const auto ready = scrubber.scrub(buffer.data(), buffer.size(), end);
    result.text += buffer.substr(0, ready);
    buffer.erase(0, ready);
    result.most_held = std::max(result.most_held, buffer.size());
    if (end) break;
  }
  EXPECT_TRUE(buffer.empty());
  result.hits = scrubber.hits();
  result.steps = scrubber.steps();
  return result;
}

Streamed whole(const std::shared_ptr<const PatternSet>& set, std::string_view in) {
  return stream(set, in, [&] { return in.size(); });
}

// The value is 24 bytes, so that base64 at alignment 0 is its whole base64.
const std::string kValue = "sk/live+Ab9:Cd&Ef<Gh\"Ij-";
const std::string kPlaceholder = "ph-0123456789-abcdefghij";

Streamed scrub_one(std::string_view text) { return whole(set_of({{kValue, kPlaceholder}}), text); }

TEST(Scrubber, FindsTheFormsThatOtherProgramsWrite) {
  // Written by Python's urllib.parse.quote, json.dumps, html.escape, binascii and base64.
  const std::pair<std::string, std::string> forms[] = {
      {"sk/live+Ab9:Cd&Ef<Gh\"Ij-", "literal"},
      {"sk%2Flive%2BAb9%3ACd%26Ef%3CGh%22Ij-", "literal+percent"},
      {"sk%2flive%2bAb9%3acd%26Ef%3cGh%22Ij-", ""},  // the case of letters counts
      {"sk/live+Ab9:Cd&Ef<Gh\\\"Ij-", "literal+json"},
      {"sk\\/live\\u002bAb9:Cd\\u0026Ef\\u003cGh\\u0022Ij-", "literal+json"},
      {"sk/live+Ab9:Cd&amp;Ef&lt;Gh&quot;Ij-", "literal+html"},
      {"sk&#x2F;live&#43;Ab9:Cd&#38;Ef&#0060;Gh&#34;Ij-", "literal+html"},
      {"sk&sol;live&plus;Ab9&colon;Cd&ampEf&ltGh&QUOT;Ij&#45;", "literal+html"},
      {"736b2f6c6976652b4162393a43642645663c476822496a2d", "hex"},
      {"736B2F6C6976652B4162393A43642645663C476822496A2D", "hex"},
      {"c2svbGl2ZStBYjk6Q2QmRWY8R2giSWot", "base64"},
      {"eHNrL2xpdmUrQWI5OkNkJkVmPEdoIklqLXg=", "base64"},      // base64(b"x" + value + b"x")
      {"eXlzay9saXZlK0FiOTpDZCZFZjxHaCJJai15eQ==", "base64"},  // base64(b"yy" + value + b"yy")
      {"sk%252Flive%252BAb9%253ACd%2526Ef%253CGh%2522Ij-", "literal+percent"},
      {"sk/live+Ab9:Cd\\u0026amp;Ef\\u0026lt;Gh\\u0026quot;Ij-", "literal+json+html"},
      {"sk/live+Ab9:Cd&#38%3BEf&%23x3c;Gh&quot%3bIj-", "literal+percent+html"},
      {"sk\\\\\\/live+Ab9:Cd&Ef<Gh\\\\\\\"Ij-", "literal+json"},
      {"%5cu0073k%2Flive%2BAb9%3ACd%26Ef%3CGh%5C%22Ij-", "literal+percent+json"},
  };
  for (const auto& [form, name] : forms) {
    const auto result = scrub_one("before:" + form + " after");
    EXPECT_EQ(result.text.size(), form.size() + 13);
    if (name.empty()) {
      EXPECT_EQ(result.text, "before:" + form + " after");
      continue;
    }
    EXPECT_FALSE(testing::shows(result.text, kValue)) << form;
    ASSERT_EQ(result.hits.size(), 1U) << form;
    EXPECT_EQ(to_string(result.hits[0].form), name) << form;
    EXPECT_EQ(result.text.substr(0, 7), "before:");
    EXPECT_EQ(result.text.substr(result.text.size() - 6), " after");
  }
}

TEST(Scrubber, PutsThePlaceholderInTheSameCoding) {
  EXPECT_EQ(scrub_one("<" + kValue + ">").text, "<" + kPlaceholder + ">");
  EXPECT_EQ(scrub_one("0x" + hex_encode(bytes_of(kValue))).text,
            "0x" + hex_encode(bytes_of(kPlaceholder)));
  EXPECT_EQ(scrub_one("736B2F6C6976652B4162393A43642645663C476822496A2D").text,
            "70682D303132333435363738392D6162636465666768696A");
  EXPECT_EQ(scrub_one(base64_encode(bytes_of(kValue))).text, base64_encode(bytes_of(kPlaceholder)));
  // At another alignment the two characters at the edges are shared with the neighbours.
  const auto text = scrub_one(base64_encode(bytes_of("x" + kValue + "x"))).text;
  const auto decoded = base64_decode(text);
  ASSERT_TRUE(decoded);
  const std::string plain(decoded->begin(), decoded->end());
  EXPECT_EQ(plain.substr(2, 22), kPlaceholder.substr(1, 22));
}

TEST(Scrubber, CutsOrPadsAPlaceholderOfAnotherLength) {
  EXPECT_EQ(whole(set_of({{"0123456789abcdef", "short"}}), "[0123456789abcdef]").text,
            "[short***********]");
  EXPECT_EQ(whole(set_of({{"01234567", "much-longer"}}), "[01234567]").text, "[much-lon]");
  EXPECT_EQ(whole(set_of({{"0123456/", "ph"}}), "[0123456%2F]").text, "[ph********]");
}

TEST(Scrubber, FindsCharactersOutsideAscii) {
  const std::string value = "pass-\xC3\xA9\xE2\x82\xAC\xF0\x9F\xA6\x9E-word";
  const auto set = set_of({{value, "p"}});
  for (const auto& text :
       {value, "pass-\\u00e9\\u20AC\\ud83e\\uDD9E-word"s, "pass-&#233;&#x20AC;&#x1f99e;-word"s,
        "pass-%C3%A9%e2%82%ac%F0%9F%A6%9E-word"s}) {
    EXPECT_EQ(whole(set, text).hits.size(), 1U) << text;
  }
}

TEST(Scrubber, FindsValuesThatLookEscapedThemselves) {
  const std::string value = "a%41b\\u0042c&amp;d";
  const auto set = set_of({{value, "p"}});
  for (const auto& text : {value, "a%2541b%5Cu0042c%26amp;d"s, "a%41b\\\\u0042c&amp;d"s,
                           "a%41b\\u0042c&amp;amp;d"s, "%61%2541b\\u0042c&amp;d"s}) {
    EXPECT_EQ(whole(set, text).hits.size(), 1U) << text;
  }
  EXPECT_EQ(whole(set, "aAbBc&d").hits.size(), 0U);
}

TEST(Scrubber, OverwritesEveryByteOfOverlappingSecrets) {
  const auto set = set_of({{"abcdefgh12345678", "first"}, {"5678ABCDEFGHIJKL", "second"}});
  const std::string text = "<abcdefgh12345678ABCDEFGHIJKL>";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    const auto out = stream(set, text, [&] { return step; }).text;
    EXPECT_EQ(out, "<first***********************>") << step;
  }
}

TEST(Scrubber, PrefersTheLongerOfTwoThatBeginAlike) {
  const auto set = set_of({{"sk-12345", "short"}, {"sk-123456789", "long"}});
  for (std::size_t step = 1; step < 16; ++step) {
    const auto next = [&] { return step; };
    EXPECT_EQ(stream(set, "<sk-123456789>", next).text, "<long********>");
    EXPECT_EQ(stream(set, "<sk-12345678x>", next).text, "<short***678x>");
    EXPECT_EQ(stream(set, "sk-12345", next).text, "short***");
  }
}

TEST(Scrubber, CountsHitsByIdAndForm) {
  const auto result = whole(set_of({{"0123456/", "a"}, {"secret-two", "b"}}),
                            "0123456/ 0123456%2F 0123456/ secret-two");
  ASSERT_EQ(result.hits.size(), 3U);
  EXPECT_EQ(result.hits[0].count, 2U);
  EXPECT_EQ(result.hits[1].form.percent, true);
  EXPECT_EQ(result.hits[2].id, 1U);
}

TEST(Scrubber, HoldsNothingThatCannotBeginASecret) {
  const auto set = set_of({{"sk-live-0123456789abcdef", "p"}});
  for (const auto& text : {"data: {\"a\": \"b\\n\"}\n\n"s, "x"s, ""s, "100% sure & fine \\o/ "s,
                           "\\u00e9\\n"s, "sk-live-0123456789abcdeX"s, "%20%0a"s, "&lt;&#10;"s}) {
    Scrubber scrubber(set);
    std::string data = text;
    EXPECT_EQ(scrubber.scrub(data.data(), data.size(), false), text.size()) << text;
  }
}

TEST(Scrubber, HoldsExactlyWhatMayBeginASecret) {
  const auto set = set_of({{"sk-live-0123456789abcdef", "p"}});
  const std::pair<std::string, std::size_t> texts[] = {{"? sk-liv", 6},  {"? %73k%", 5},
                                                       {"? \\u007", 5},  {"? &#11", 4},
                                                       {"? 736B2d6", 7}, {"? c2stbGl", 7}};
  for (const auto& [text, held] : texts) {
    Scrubber scrubber(set);
    std::string data = text;
    EXPECT_EQ(data.size() - scrubber.scrub(data.data(), data.size(), false), held) << text;
    EXPECT_EQ(scrubber.scrub(data.data(), data.size(), true), text.size());
    EXPECT_EQ(data, text);
  }
}

TEST(Scrubber, ReleasesAllWithoutSecrets) {
  std::string data = "anything";
  EXPECT_EQ(Scrubber(set_of({})).scrub(data.data(), data.size(), false), data.size());
}

std::string any_value(Speller& speller) {
  const std::size_t size = 8 + speller.below(speller.chance(50) ? 12 : 60);
  for (;;) {
    std::string value = speller.chance(60)   ? speller.text_of(testing::kKeyAlphabet, size)
                        : speller.chance(60) ? speller.text_of(testing::kTrickyAlphabet, size)
                                             : speller.bytes(size);
    if (PatternSource source{.value = Secret::copy_of(value)}; true) {
      std::vector<PatternSource> one;
      one.push_back(std::move(source));
      if (PatternSet::build(std::move(one))) return value;
    }
  }
}

std::string filler(Speller& speller) {
  const std::size_t size = speller.below(speller.chance(30) ? 400 : 12);
  switch (speller.below(4)) {
    case 0:
      return speller.bytes(size);
    case 1:
      return speller.text_of("%\\&u0#x;46", size);
    default:
      return speller.text_of(testing::kProse, size);
  }
}

std::string any_spelling(Speller& speller, const std::string& value) {
  std::string coded = value;
  if (speller.chance(30)) coded = speller.hex(value);
  if (coded == value && speller.chance(40)) coded = speller.base64(value);
  const unsigned share = speller.chance(30) ? 100 : static_cast<unsigned>(speller.below(100));
  std::string text;
  do {
    text = speller.escaped(speller.any_escaping(), coded, share);
    if (speller.chance(80)) continue;
    speller.limit_zeros(0);
    text = speller.escaped(speller.any_escaping(), text, 20);
    speller.limit_zeros(5);
  } while (text.size() > value.size() * 12 + 64);  // longer ones are not recognised
  return text;
}

// What must hold for every value, spelling, place and split.
RC_GTEST_PROP(ScrubberProperty, NoSpellingComesThroughAnySplit, (std::uint32_t seed)) {
  Speller speller(seed);
  std::vector<Named> values;
  for (std::size_t i = 0; i < 1 + speller.below(4); ++i) {
    values.push_back({any_value(speller), speller.text_of("PH", speller.below(30))});
  }
  const auto set = set_of(values);
  for (int round = 0; round < 8; ++round) {
    const std::string& value = values[speller.below(values.size())].value;
    const std::string before = filler(speller);
    const std::string spelling = any_spelling(speller, value);
    const std::string text = before + spelling + filler(speller);
    RC_ASSERT(testing::shows(spelling, value));
    const auto at_once = whole(set, text);
    RC_ASSERT(at_once.text.size() == text.size());
    if (at_once.hits.empty()) RC_FAIL("missed [" + value + "] as [" + spelling + "]");
    RC_ASSERT(!testing::shows(at_once.text, value));
    const std::size_t largest = 1 + speller.below(40);
    const auto split = stream(set, text, [&] { return 1 + speller.below(largest); });
    RC_ASSERT(split.text == at_once.text);
    RC_ASSERT(split.most_held <= set->max_held());
  }
}

RC_GTEST_PROP(ScrubberProperty, CleanDataPassesByteForByte, (std::uint32_t seed)) {
  Speller speller(seed);
  std::vector<Named> values;
  for (std::size_t i = 0; i < 5; ++i) {
    values.push_back({speller.text_of(testing::kKeyAlphabet, 8 + speller.below(50)), "p"});
  }
  const auto set = set_of(values);
  for (int round = 0; round < 3; ++round) {
    std::string text;
    for (int i = 0; i < 8; ++i) {
      text += filler(speller);
      // Nearly a secret: each bit of its last byte is another, so no coding of it is whole.
      std::string other = values[speller.below(values.size())].value;
      other.back() = static_cast<char>(~other.back());
      if (speller.chance(50)) text += any_spelling(speller, other);
    }
    bool clean = true;
    for (const auto& [value, placeholder] : values) clean = clean && !testing::shows(text, value);
    if (!clean) continue;
    const std::size_t largest = 1 + speller.below(100);
    const auto result = stream(set, text, [&] { return 1 + speller.below(largest); });
    RC_ASSERT(result.text == text);
    RC_ASSERT(result.hits.empty());
  }
}

RC_GTEST_PROP(ScrubberProperty, BytesOutsideMatchesStay, (std::uint32_t seed)) {
  Speller speller(seed);
  const std::string value = speller.text_of(testing::kKeyAlphabet, 8 + speller.below(50));
  const auto set = set_of({{value, "placeholder"}});
  const std::string before = speller.text_of(" .,!", speller.below(200));
  const std::string after = speller.text_of(" .,!", speller.below(200));
  const std::string text = before + speller.escaped(speller.any_escaping(), value, 50) + after;
  const auto result = stream(set, text, [&] { return 1 + speller.below(30); });
  RC_ASSERT(result.text.starts_with(before));
  RC_ASSERT(result.text.ends_with(after));
  RC_ASSERT(result.text != text);
}

bool same(const Match& one, const Match& other) {
  return one.begin == other.begin && one.end == other.end && one.pattern == other.pattern &&
         one.form == other.form;
}

// Against a walk from each place, whether it has room for a value or not.
RC_GTEST_PROP(MatcherProperty, PlacesWithoutRoomForAValueAreLeftOutUnnoticed,
              (std::uint32_t seed)) {
  Speller speller(seed);
  std::vector<std::string> values;
  PatternIndex index;
  PatternIndex walked;
  for (std::size_t i = 0; i < 1 + speller.below(4); ++i) {
    values.push_back(any_value(speller));
    index.add(static_cast<std::uint32_t>(i), values.back(), "p");
    walked.add(static_cast<std::uint32_t>(i), values.back(), "p");
  }
  index.finish();
  walked.finish();
  walked.fewest_symbols = 0;
  for (int round = 0; round < 20; ++round) {
    std::string text = speller.chance(50) ? filler(speller) : "";
    if (speller.chance(80)) text += any_spelling(speller, values[speller.below(values.size())]);
    if (speller.chance(30)) text += filler(speller);
    // At times what stands at the ends is not whole.
    if (speller.chance(30)) text.erase(0, speller.below(4));
    if (speller.chance(30)) text.resize(text.size() - std::min(text.size(), speller.below(4)));
    const std::size_t largest = speller.chance(50) ? text.size() + 1 : 1 + speller.below(40);
    Matcher one(index);
    Matcher other(walked);
    std::size_t from = 0;
    for (std::size_t to = 0; from < text.size() || to == 0;) {
      to = std::min(text.size(), to + 1 + speller.below(largest));
      const auto piece = std::string_view(text).substr(from, to - from);
      const std::size_t ready = one.scan(piece, to == text.size());
      RC_ASSERT(ready == other.scan(piece, to == text.size()));
      RC_ASSERT(std::ranges::equal(one.matches(), other.matches(), same));
      from += ready;
      if (to == text.size()) break;
    }
    RC_ASSERT(from == text.size());
    RC_ASSERT(one.steps() <= other.steps());
  }
}

// Data made to be slow. Work is counted, not timed: four times the data is four times the work, not
// sixteen times, and what one byte may cost is bounded.
constexpr double kLinear = 4.4;
constexpr double kMostStepsPerByte = 250;
TEST(ScrubberLimits, HostileDataTakesLinearTime) {
  Speller speller(1);
  std::vector<Named> values;
  for (int i = 0; i < 10; ++i) {
    values.push_back({"sk-proj-" + speller.text_of(testing::kKeyAlphabet, 42), "p"});
  }
  const std::string& secret = values[0].value;
  const std::string most = secret.substr(0, 49);
  const std::string most64 = base64_encode(bytes_of(most)).substr(0, 64);
  const std::string beginnings[] = {"%",
                                    "\\",
                                    "&",
                                    "&#",
                                    "&#x0",
                                    "\\u",
                                    "\\\\u00",
                                    "%25",
                                    "&amp;",
                                    "a",
                                    "sk-proj-",
                                    most,
                                    most64,
                                    hex_encode(bytes_of(most)),
                                    speller.escaped(Escaping::kPercent, most, 100),
                                    speller.escaped(Escaping::kJson, most, 100),
                                    speller.escaped(Escaping::kHtml, most, 100),
                                    most + "%",
                                    "sk-proj-%",
                                    "%73",
                                    "%36",
                                    "&#&#37",
                                    most.substr(0, 46) + "%2"};
  const auto set = set_of(values);
  for (const auto& beginning : beginnings) {
    const auto steps_of = [&](std::size_t size) {
      std::string text;
      while (text.size() < size) text += beginning;
      const auto out = stream(set, text, [] { return std::size_t{16384}; });
      EXPECT_EQ(out.text, text);
      EXPECT_LE(out.most_held, set->max_held());
      return static_cast<double>(out.steps);
    };
    const double once = steps_of(64 << 10);
    const double four_times = steps_of(256 << 10);
    EXPECT_LT(four_times / once, kLinear) << beginning;
    EXPECT_LT(four_times / (256 << 10), kMostStepsPerByte) << beginning;
  }
}

TEST(ScrubberLimits, TrickledBeginningsOfALongSecretTakeLinearTime) {
  const auto steps_of = [](std::size_t size) {
    Speller speller(2);
    const std::string value = speller.text_of(testing::kKeyAlphabet, size);
    const auto set = set_of({{value, "p"}});
    const std::string text = speller.escaped(Escaping::kJson, value.substr(0, size - 1), 100) + "!";
    const auto out = stream(set, text, [] { return std::size_t{1}; });
    EXPECT_EQ(out.text, text);
    EXPECT_GT(out.most_held, 5 * size) << "every byte until the last leaves it open";
    return static_cast<double>(out.steps);
  };
  EXPECT_LT(steps_of(16'000) / steps_of(4'000), kLinear);
}

}  // namespace
}  // namespace deployclaw::scrub

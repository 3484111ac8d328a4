#include "scrub/matcher.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "scrub/escapes.hpp"
#include "scrub/find_introducers.hpp"

namespace deployclaw::scrub {

std::size_t Matcher::scan(std::string_view text, bool end) {
  matches_.clear();
  if (index_.empty()) return text.size();
  // While the first undecided place stays so, nothing can be released: only the new bytes are read.
  if (open_ && !end) {
    const auto outcome = open_->walk.run(index_, text.substr(open_->begin), end);
    steps_ += open_->walk.steps();
    if (outcome == Walk::Outcome::kOpen) return 0;
  }
  open_.reset();
  if (end && text.size() < index_.fewest_symbols) return text.size();
  text_ = text;
  end_ = end;
  steps_ += text.size();
  sample();
  look_for_escapes();
  try_tail();
  return settle();
}

void Matcher::sample() {
  const std::size_t stride = index_.stride;
  std::size_t at = stride - 1;
  for (; at + kGramBytes <= text_.size(); at += stride) {
    const std::uint32_t gram = gram_at(text_.data() + at);
    if (index_.sampled_grams.may_hold(hash_gram(gram))) probe(gram, at);
  }
  tail_ = at + 1 - stride;
}

// The walks that a sampled place calls for.
void Matcher::probe(std::uint32_t gram, std::size_t at) {
  const std::uint32_t bucket = hash_gram(gram) >> index_.bucket_shift;
  for (auto i = index_.bucket_ends[bucket]; i < index_.bucket_ends[bucket + 1]; ++i) {
    const Gram& known = index_.grams[i];
    const std::size_t begin = at - known.offset;
    if (known.key == gram && known.sampled && begins_plainly(known.coding, begin)) {
      start(known.coding, begin);
    }
  }
}

void Matcher::look_for_escapes() {
  find_introducers(text_, [this](std::size_t at) { consider_escape(at); });
}

void Matcher::consider_escape(std::size_t at) {
  if (!may_be_escape(text_, at)) return;
  const Escapes escapes = read_escapes(text_, at, end_);
  bool possible = false;
  for (const Escape& escape : {escapes.plain, escapes.nested}) {
    if (escape.state == Escape::State::kUnfinished) leave_undecided(at);
    if (escape.state != Escape::State::kComplete || !index_.known[escape.bytes[0]]) continue;
    possible = true;
    std::uint32_t gram = 0;
    for (std::size_t i = 0; i < escape.count; ++i)
      gram |= std::uint32_t{escape.bytes[i]} << (8 * i);
    follow_grams(gram, escape.count, at + escape.size, at);
  }
  if (!possible || at < kGramBytes) return;
  const std::uint32_t before = gram_at(text_.data() + at - kGramBytes);
  if (index_.all_grams.may_hold(hash_gram(before))) start_at_gram(before, at - kGramBytes, true);
}

// Reads on from text_[at] until the characters from the one at text_[escape] on make a gram.
void Matcher::follow_grams(std::uint32_t gram, std::size_t spelt, std::size_t at,
                           std::size_t escape) {
  while (spelt < kGramBytes) {
    if (at == text_.size()) {
      if (!end_) leave_undecided(escape);
      return;
    }
    const auto byte = static_cast<unsigned char>(text_[at]);
    if (is_introducer(byte) && may_be_escape(text_, at)) {
      const Escapes escapes = read_escapes(text_, at, end_);
      for (const Escape& next : {escapes.plain, escapes.nested}) {
        if (next.state == Escape::State::kUnfinished) leave_undecided(escape);
        if (next.state != Escape::State::kComplete || !index_.known[next.bytes[0]]) continue;
        std::uint32_t longer = gram;
        for (std::size_t i = 0; i < next.count && spelt + i < kGramBytes; ++i) {
          longer |= std::uint32_t{next.bytes[i]} << (8 * (spelt + i));
        }
        follow_grams(longer, spelt + next.count, at + next.size, escape);
      }
    }
    if (!index_.known[byte]) return;
    gram |= std::uint32_t{byte} << (8 * spelt++);
    ++at;
  }
  const std::uint32_t key = fold_gram(gram);
  if (index_.all_grams.may_hold(hash_gram(key))) start_at_gram(key, escape, false);
}

// The walks for a gram that stands at text_[at] and before which all is plain.
void Matcher::start_at_gram(std::uint32_t key, std::size_t at, bool near_end) {
  const std::uint32_t bucket = hash_gram(key) >> index_.bucket_shift;
  for (auto i = index_.bucket_ends[bucket]; i < index_.bucket_ends[bucket + 1]; ++i) {
    const Gram& known = index_.grams[i];
    if (known.key != key || known.offset > at || (near_end && !known.near_end)) continue;
    // What begins with an escape was found by that one.
    const std::size_t begin = at - known.offset;
    if (known.offset == 0 || begins_plainly(known.coding, begin)) start(known.coding, begin);
  }
}

bool Matcher::begins_plainly(Coding coding, std::size_t at) const {
  const auto root = static_cast<std::uint32_t>(coding);
  return index_.child(coding, root, static_cast<unsigned char>(text_[at])) != 0;
}

// A value may hold the escape at text_[escape], but the text ends too early to tell by grams: walk
// from each place from which plain characters lead to it.
void Matcher::leave_undecided(std::size_t escape) {
  const std::size_t first = escape - std::min(escape, index_.most_symbols);
  std::size_t at = escape;
  while (at > first && index_.known[static_cast<unsigned char>(text_[at - 1])]) --at;
  tail_ = std::min(tail_, at);
}

void Matcher::try_tail() {
  // At the text's end no value begins that has no room: an escape is longer than what it spells.
  const std::size_t room = end_ ? std::max<std::size_t>(index_.fewest_symbols, 1) : 1;
  for (std::size_t at = tail_; at + room <= text_.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text_[at]);
    const bool escape = is_introducer(byte);
    if (!escape && !index_.known[byte]) continue;
    for (const Coding coding : {Coding::kLiteral, Coding::kHex, Coding::kBase64}) {
      if (escape || begins_plainly(coding, at)) start(coding, at);
    }
  }
}

void Matcher::start(Coding coding, std::size_t at) {
  Walk walk(coding);
  const auto outcome = walk.run(index_, text_.substr(at), end_);
  steps_ += walk.steps();
  switch (outcome) {
    case Walk::Outcome::kNone:
      return;
    case Walk::Outcome::kOpen:
      if (!open_ || at < open_->begin) open_ = Open{.begin = at, .walk = walk};
      return;
    case Walk::Outcome::kMatch:
      const std::uint8_t escapes = walk.escapes();
      const Form form{.coding = coding,
                      .percent = (escapes & kPercentEscape) != 0,
                      .json = (escapes & kJsonEscape) != 0,
                      .html = (escapes & kHtmlEscape) != 0};
      matches_.push_back(
          {.begin = at, .end = at + walk.size(), .pattern = walk.pattern(), .form = form});
      return;
  }
}

// Orders the matches and decides what is released.
std::size_t Matcher::settle() {
  std::size_t rest = open_ ? open_->begin : text_.size();
  // An undecided place inside a match: keep the match whole too, so that both are seen again.
  std::size_t kept = rest;
  for (const Match& match : matches_) {
    if (match.begin < rest && match.end > rest) kept = std::min(kept, match.begin);
  }
  rest = kept;
  if (open_) open_->begin -= rest;
  std::erase_if(matches_, [&](const Match& match) { return match.begin >= rest; });
  const auto order = [](const Match& match) {
    return std::make_tuple(match.begin, ~match.end, match.pattern);
  };
  std::ranges::sort(matches_, {}, order);
  const auto doubles = std::ranges::unique(matches_, {}, order);
  matches_.erase(doubles.begin(), doubles.end());
  return rest;
}

}  // namespace deployclaw::scrub

#include "scrub/pattern_index.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "base/encoding.hpp"

namespace deployclaw::scrub {
namespace {

constexpr std::size_t kMostStride = 64;
constexpr std::size_t kRawPerByte = 12;  // two hex digits, each as \u0061
constexpr std::size_t kRawSlack = 64;

std::size_t index_of(Coding coding) { return static_cast<std::size_t>(coding); }

}  // namespace

std::string inner_base64(std::string_view value, std::size_t alignment) {
  std::string padded(alignment, '\0');
  padded.reserve(alignment + value.size());
  padded += value;
  std::string text = base64_encode(bytes_of(padded));
  wipe_string(padded);
  const std::size_t first = (alignment * 8 + 5) / 6;
  const std::size_t last = (alignment + value.size()) * 8 / 6;
  std::string inner = text.substr(first, last - first);
  wipe_string(text);
  return inner;
}

PatternIndex::~PatternIndex() {
  wipe_memory(roots.data(), sizeof roots);
  wipe_memory(known.data(), sizeof known);
}

void PatternIndex::add(std::uint32_t id, std::string_view value, std::string placeholder) {
  if (nodes.empty()) nodes.resize(roots.size());
  const auto index = static_cast<std::uint32_t>(values.size());
  values.push_back({.id = id, .size = value.size(), .placeholder = std::move(placeholder)});
  most_raw = std::max(most_raw, value.size() * kRawPerByte + kRawSlack);
  add_pattern({.value = index, .coding = Coding::kLiteral}, value);
  std::string text = hex_encode(bytes_of(value));
  add_pattern({.value = index, .coding = Coding::kHex}, text);
  wipe_string(text);
  for (std::uint8_t alignment = 0; alignment < 3; ++alignment) {
    text = inner_base64(value, alignment);
    add_pattern({.value = index, .coding = Coding::kBase64, .alignment = alignment}, text);
    wipe_string(text);
  }
}

void PatternIndex::add_pattern(Pattern pattern, std::string_view symbols) {
  const auto number = static_cast<std::uint32_t>(patterns.size());
  patterns.push_back(pattern);
  sizes_.push_back(symbols.size());
  most_symbols = std::max(most_symbols, symbols.size());
  auto node = static_cast<std::uint32_t>(index_of(pattern.coding));
  for (const char c : symbols) {
    const auto symbol = static_cast<unsigned char>(c);
    std::uint32_t next = child(pattern.coding, node, symbol);
    if (next == 0) {
      next = static_cast<std::uint32_t>(nodes.size());
      nodes.push_back({.next_sibling = nodes[node].first_child, .symbol = symbol});
      if (node < roots.size()) {
        nodes[next].next_sibling = 0;
        roots[node][symbol] = next;
      } else {
        nodes[node].first_child = next;
      }
    }
    node = next;
  }
  if (nodes[node].pattern == kNoPattern) nodes[node].pattern = number;
  collect_grams(number, symbols);
}

// Every way to write the four characters at `symbols` in one case: '+' and '/' have two each.
template <class Sink>
void for_each_spelling(Coding coding, std::string_view symbols, const Sink& sink) {
  std::array<char, kGramBytes> text{};
  for (unsigned choice = 0; choice < 1U << kGramBytes; ++choice) {
    bool valid = true;
    for (std::size_t i = 0; i < kGramBytes; ++i) {
      text[i] = symbols[i];
      if ((choice >> i & 1U) == 0) continue;
      valid = valid && coding == Coding::kBase64 && (text[i] == '+' || text[i] == '/');
      text[i] = text[i] == '+' ? '-' : '_';
    }
    if (valid) sink(gram_at(text.data()));
  }
  wipe_memory(text.data(), text.size());
}

void PatternIndex::collect_grams(std::uint32_t pattern, std::string_view symbols) {
  const Coding coding = patterns[pattern].coding;
  for (const char c : symbols) {
    const auto byte = static_cast<unsigned char>(c);
    known[byte] = true;
    if (coding == Coding::kHex) known[static_cast<unsigned char>(c >= 'a' ? c - 32 : c)] = true;
    if (coding == Coding::kBase64 && c == '+') known['-'] = true;
    if (coding == Coding::kBase64 && c == '/') known['_'] = true;
  }
  for (std::size_t offset = 0; offset + kGramBytes <= symbols.size(); ++offset) {
    const std::size_t behind = symbols.size() - offset - kGramBytes;
    for_each_spelling(coding, symbols.substr(offset), [&](std::uint32_t key) {
      grams.push_back({.key = key,
                       .offset = static_cast<std::uint32_t>(offset),
                       .coding = coding,
                       .near_end = behind >= 1 && behind < kGramBytes});
    });
  }
}

void PatternIndex::finish() {
  if (values.empty()) return;
  fewest_symbols = *std::ranges::min_element(sizes_);
  stride = std::min(fewest_symbols - (kGramBytes - 1), kMostStride);
  build_buckets();
  const auto size_log2 = [](std::size_t count) {
    return std::clamp(static_cast<unsigned>(std::bit_width(count * 16)), 16U, 20U);
  };
  const auto sampled = std::ranges::count_if(grams, &Gram::sampled);
  sampled_grams.resize(size_log2(static_cast<std::size_t>(sampled)));
  all_grams.resize(size_log2(grams.size()));
  for (const Gram& gram : grams) {
    all_grams.insert(hash_gram(gram.key));
    if (gram.sampled) sampled_grams.insert(hash_gram(gram.key));
  }
}

void PatternIndex::build_buckets() {
  for (Gram& gram : grams) gram.sampled = gram.offset < stride;
  const auto log2 = std::clamp(static_cast<unsigned>(std::bit_width(grams.size())), 4U, 20U);
  bucket_shift = 32 - log2;
  const auto order = [](const Gram& gram) {
    return std::make_tuple(hash_gram(gram.key), gram.key, gram.coding, gram.offset, gram.near_end);
  };
  std::ranges::sort(grams, {}, order);
  const auto doubles = std::ranges::unique(grams);
  grams.erase(doubles.begin(), doubles.end());
  grams.shrink_to_fit();
  bucket_ends.assign((std::size_t{1} << log2) + 1, 0);
  for (const Gram& gram : grams) ++bucket_ends[(hash_gram(gram.key) >> bucket_shift) + 1];
  for (std::size_t i = 1; i < bucket_ends.size(); ++i) bucket_ends[i] += bucket_ends[i - 1];
}

}  // namespace deployclaw::scrub

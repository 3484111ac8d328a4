// ./dev bench scrub: throughput of the scrubber on what passes through it, with ten secrets of 50
// characters. Writes the results as JSON to the file named by the first argument.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "scrub/scrubber.hpp"

namespace {

using namespace deployclaw;

constexpr std::size_t kBytes = 8 << 20;
constexpr std::size_t kPiece = 64 << 10;
constexpr int kRounds = 7;
constexpr double kTarget = 2.0;         // GB/s for ordinary data
constexpr double kHostileTarget = 0.1;  // GB/s for data made to be slow

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class Data {
 public:
  std::string of(std::string_view alphabet, std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = alphabet[random_() % alphabet.size()];
    return text;
  }
  std::string binary() {
    std::string text(kBytes, '\0');
    for (char& c : text) c = static_cast<char>(random_());
    return text;
  }
  // Words of one to nine letters, with what `between` gives after each.
  template <class Between>
  std::string words(const Between& between) {
    std::string text;
    while (text.size() < kBytes) {
      text += of("etaoinshrdlucmfwypvbgkqjxz", 1 + random_() % 9);
      text += between();
    }
    text.resize(kBytes);
    return text;
  }
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_()) % limit; }

 private:
  std::mt19937 random_{7};
};

std::string repeated(std::string_view piece) {
  std::string text;
  while (text.size() < kBytes) text += piece;
  return text;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  return out;
}

// Median GB/s over the rounds, in pieces as a proxy reads them, or each a whole text as header
// fields are. Clean data: nothing is rewritten.
double measure(const std::shared_ptr<const scrub::PatternSet>& set, std::string text,
               std::size_t piece, bool whole) {
  std::vector<double> rates;
  for (int round = 0; round < kRounds; ++round) {
    scrub::Scrubber scrubber(set);
    const double start = cpu_seconds();
    std::size_t at = 0;
    std::size_t ready = 0;
    while (ready < text.size()) {
      at = std::min(text.size(), at + piece);
      ready += scrubber.scrub(text.data() + ready, at - ready, whole || at == text.size());
    }
    rates.push_back(static_cast<double>(text.size()) / 1e9 / (cpu_seconds() - start));
  }
  std::ranges::sort(rates);
  return rates[rates.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  Data data;
  constexpr std::string_view kKey =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  std::vector<scrub::PatternSource> sources;
  std::string first;
  for (std::uint32_t id = 0; id < 10; ++id) {
    const std::string value = "sk-proj-" + data.of(kKey, 42);
    if (id == 0) first = value;
    sources.push_back({.id = id,
                       .value = Secret::copy_of(value),
                       .placeholder = fmt::format("placeholder-{}", id)});
  }
  const auto set = scrub::PatternSet::build(std::move(sources));
  if (!set) {
    fmt::print(stderr, "scrub_bench: {}\n", set.error().message);
    return 1;
  }
  // The control: a secret must be found, or nothing was looked for.
  std::string control = "<" + first + ">";
  scrub::Scrubber(*set).scrub(control.data(), control.size(), true);
  if (control.find(first) != std::string::npos) {
    fmt::print(stderr, "scrub_bench: a secret came through\n");
    return 1;
  }

  const std::string most = first.substr(0, first.size() - 1);
  const auto prose = [&] { return data.below(8) == 0 ? ".\n" : " "; };
  const auto json = [&] {
    constexpr const char* kBetween[] = {" ", " ", " ", " ", "\\n", "\\\"", "\":\"", "\",\""};
    return kBetween[data.below(8)];
  };
  const auto url = [&] { return data.below(3) == 0 ? "%20" : data.below(2) == 0 ? "&" : "%2F"; };
  struct Row {
    const char* name;
    std::string text;
    std::size_t piece;
    double target;
    bool whole = false;
  };
  const Row rows[] = {
      {"prose", data.words(prose), kPiece, kTarget},
      {"JSON text with escapes", data.words(json), kPiece, kTarget},
      {"random binary", data.binary(), kPiece, kTarget},
      {"random base64", data.of(kKey, kBytes), kPiece, kTarget},
      {"random hex", data.of("0123456789abcdef", kBytes), kPiece, kTarget},
      {"prose in 30-byte fields", data.words(prose), 30, kTarget, true},
      {"prose in 200-byte events", data.words(prose), 200, kHostileTarget},
      {"form data, percent-encoded", data.words(url), kPiece, kHostileTarget},
      {"nothing but '%'", repeated("%"), kPiece, kHostileTarget},
      {"nothing but backslashes", repeated("\\"), kPiece, kHostileTarget},
      {"a secret's beginning, repeated", repeated(most), kPiece, kHostileTarget},
      {"the same, percent-encoded", repeated(percent_encoded(most)), kPiece, kHostileTarget},
      {"one letter, percent-encoded", repeated("%73"), kPiece, kHostileTarget},
  };
  std::string json_rows;
  for (const Row& row : rows) {
    const double rate = measure(*set, row.text, row.piece, row.whole);
    const bool holds = rate >= row.target;
    fmt::print("  scrubbing {:32} {:6.2f} GB/s, target {} {}\n", row.name, rate, row.target,
               holds ? "holds" : "MISSED");
    json_rows += fmt::format(
        "{}{{\"metric\": \"scrubbing {} (GB/s)\", \"ours\": {:.3f}, \"peer\": {}, \"ratio\": "
        "{:.3f}, \"target\": \">= {} GB/s\", \"holds\": {}}}",
        json_rows.empty() ? "" : ", ", row.name, rate, row.target, rate / row.target, row.target,
        holds);
  }
  if (argc > 1) std::ofstream(argv[1]) << "[" << json_rows << "]\n";
  return 0;
}

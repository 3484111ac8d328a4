// Calls, ledger and provider together: whatever runs at once, hangs up, crashes or crosses
// midnight, what a provider bills for a day is never more than the cap. The quantum beyond it is
// nothing.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "domain/spend_book.hpp"
#include "models/answer_meter.hpp"
#include "models/testing/prices.hpp"

namespace deployclaw::models {
namespace {

using domain::SpendBook;

constexpr domain::Millis kNoon = 20'000LL * 86'400'000 + 43'200'000;

// A call under way, as its provider sees it.
struct Running {
  ModelCall call;
  SpendBook::Key key;
  domain::DayNumber day = 0;
  MicroDollars grant = 0;
  std::string sent;
  Tokens used;  // so far
};

class World {
 public:
  explicit World(MicroDollars cap) : cap_(cap) {}

  void begin(std::uint64_t asked, std::uint64_t answers, std::size_t text, unsigned percent) {
    auto body = R"({"model":"small","stream":true,"max_tokens":)" + std::to_string(asked) +
                R"(,"n":)" + std::to_string(answers) + R"(,"x":")" + std::string(text, 'x') + "\"}";
    auto call = ModelCall::open(prices_, "anthropic", "/v1/messages", body).value().value();
    const SpendBook::Key key{life_, ++last_};
    const auto answer = book_.reserve(key, now_, call.least(), call.wanted(), cap_);
    if (answer.verdict != SpendBook::Verdict::kGranted) return;
    call.limit(body, answer.granted);
    // A provider counts no more input than there are bytes.
    const auto input = body.size() * percent / 100;
    running_.push_back({.call = std::move(call),
                        .key = key,
                        .day = domain::day_of(now_),
                        .grant = answer.granted,
                        .sent = std::move(body),
                        .used = {.input = input}});
  }

  // It tells its input, and the reservation falls.
  void tell_input(std::size_t which) {
    auto& one = pick(which);
    AnswerMeter meter(one.call, one.grant, 200, "text/event-stream");
    std::string out;
    meter.take(R"(data: {"type":"message_start","message":{"usage":{"input_tokens":)" +
                   std::to_string(one.used.input) +
                   R"(,"output_tokens":0}}})"
                   "\n\n",
               false, out);
    book_.lower(one.key, meter.at_most());
  }

  // It generates, up to the limit that it was sent.
  void generate(std::size_t which, std::uint64_t tokens) {
    auto& one = pick(which);
    const auto most = one.call.output_for(one.grant) * one.call.request().answers;
    one.used.output = std::min(most, one.used.output + tokens);
  }

  // The answer comes to its end, with usage or without; or the agent hangs up on it.
  void end(std::size_t which, bool tells) {
    auto& one = pick(which);
    bill(one);
    const auto spent = one.call.price(one.used);
    book_.settle(one.key, tells ? std::optional(spent) : std::nullopt);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which % running_.size()));
  }

  // The worker or the whole of egress dies: what was open counts as spent, the provider goes on.
  void crash(bool everything) {
    for (auto& one : running_) {
      generate_all(one);
      bill(one);
    }
    if (everything) {
      SpendBook fresh;
      for (const auto day : days_) {
        fresh.load(day, book_.settled(day) + book_.reserved(day));
      }
      book_ = fresh;
      ++life_;
    } else {
      for (auto& one : running_) book_.settle(one.key, std::nullopt);
    }
    running_.clear();
  }

  void pass(domain::Millis time) { days_.insert(domain::day_of(now_ += time)); }

  [[nodiscard]] bool any() const { return !running_.empty(); }
  void finish() {
    while (any()) {
      generate(0, 1'000'000);
      end(0, true);
    }
  }
  [[nodiscard]] bool holds() const {
    for (const auto& [day, billed] : billed_) {
      if (billed > cap_) return false;
    }
    const auto today = domain::day_of(now_);
    return book_.settled(today) + book_.reserved(today) <= cap_;
  }

 private:
  Running& pick(std::size_t which) { return running_[which % running_.size()]; }
  static void generate_all(Running& one) {
    one.used.output = one.call.output_for(one.grant) * one.call.request().answers;
  }
  void bill(const Running& one) { billed_[one.day] += one.call.price(one.used); }

  const MicroDollars cap_;
  PriceCatalogue prices_ = testing::small_prices("anthropic");
  SpendBook book_;
  std::vector<Running> running_;
  std::map<domain::DayNumber, MicroDollars> billed_;
  std::set<domain::DayNumber> days_{domain::day_of(kNoon)};
  domain::Millis now_ = kNoon;
  std::uint64_t life_ = 1;
  std::uint64_t last_ = 0;
};

RC_GTEST_PROP(SpendProperty, NoDayIsBilledMoreThanTheCap, ()) {
  World world(*rc::gen::element<MicroDollars>(0, 3'000, 20'000, 200'000, 5'000'000));
  const auto steps = *rc::gen::inRange(1, 120);
  for (int i = 0; i < steps; ++i) {
    const auto which = *rc::gen::inRange<std::size_t>(0, 1000);
    const auto step = *rc::gen::inRange(0, 12);
    if (step < 5 || !world.any()) {
      world.begin(*rc::gen::inRange<std::uint64_t>(1, 6000), *rc::gen::inRange<std::uint64_t>(1, 4),
                  *rc::gen::element<std::size_t>(0, 500, 20'000, 210'000),
                  *rc::gen::inRange(0U, 101U));
    } else if (step < 6) {
      world.tell_input(which);
    } else if (step < 8) {
      world.generate(which, *rc::gen::inRange<std::uint64_t>(0, 8000));
    } else if (step < 10) {
      world.end(which, *rc::gen::arbitrary<bool>());
    } else if (step < 11) {
      world.pass(*rc::gen::element<domain::Millis>(1, 60'000, 3'600'000, 43'200'000, 86'400'000));
    } else {
      world.crash(*rc::gen::arbitrary<bool>());
    }
    RC_ASSERT(world.holds());
  }
  world.finish();
  RC_ASSERT(world.holds());
}

}  // namespace
}  // namespace deployclaw::models

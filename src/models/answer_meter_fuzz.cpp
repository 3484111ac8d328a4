// Hostile answers of models: never crashes; nothing is lost or put in but what the meter is for,
// and the same is read however they are split.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "models/answer_meter.hpp"

namespace {

using namespace deployclaw::models;

ModelCall call_that(bool asks) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"openai.toml",
       "name = \"openai\"\nas_of = \"x\"\nsource = \"x\"\n[[models]]\nmatch = [\"m\"]\n"
       "input = \"1\"\noutput = \"10\"\ncontext = 100000\nmax_output = 4000\n"}};
  std::string body = R"({"model":"m","stream":true)";
  body += asks ? R"(,"stream_options":{"include_usage":true}})" : "}";
  const auto prices = PriceCatalogue::of(files, {}, UnknownModel::kDearest);
  return ModelCall::open(*prices, "openai", "/v1/chat/completions", body).value().value();
}

struct Read {
  std::string out;
  std::optional<MicroDollars> spent;
  bool cut = false;
  bool operator==(const Read&) const = default;
};

Read read(const ModelCall& call, std::string_view in, std::size_t step, std::string_view type) {
  AnswerMeter meter(call, 2'000'000'000, 200, type);
  Read result;
  bool goes_on = true;
  while (goes_on && !in.empty()) {
    goes_on = meter.take(in.substr(0, step), false, result.out);
    in.remove_prefix(std::min(step, in.size()));
  }
  if (goes_on) meter.take({}, true, result.out);
  result.spent = meter.spent();
  result.cut = meter.was_cut();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const ModelCall kAsks = call_that(true);
  static const ModelCall kDoesNot = call_that(false);
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  for (const auto* type : {"text/event-stream", "application/json"}) {
    for (const auto* call : {&kAsks, &kDoesNot}) {
      const auto whole = read(*call, in, size + 1, type);
      if (whole != read(*call, in, 1, type)) std::abort();
      if (call == &kAsks && !whole.cut && whole.out != in) std::abort();
    }
  }
  return 0;
}

#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtimes/runtime.hpp"

namespace deployclaw::runtimes {

// The kinds of agents this platform can run: the checked content of <catalog>/runtimes/*.toml.
// Immutable once loaded, cheap to copy, safe from any thread.
class Catalogue {
 public:
  // An empty catalogue.
  Catalogue() : runtimes_(std::make_shared<const std::vector<Runtime>>()) {}

  // Reads every *.toml in `<catalog_dir>/runtimes`. One bad file refuses the whole: the error
  // (kInvalid) names each problem as "file:line: field: why", one a line. kNotFound when the folder
  // is absent or holds no runtime.
  static Result<Catalogue> load(const std::filesystem::path& catalog_dir);

  // From runtimes made in code, for tests.
  static Catalogue of(std::vector<Runtime> runtimes);

  // The runtime of that name, or nullptr. A test-only runtime is found only if `with_test_only`.
  // The pointer lives as long as any copy of this catalogue.
  [[nodiscard]] const Runtime* find(std::string_view name, bool with_test_only) const;

  // All runtimes, sorted by name, the test-only ones among them.
  [[nodiscard]] std::span<const Runtime> all() const { return *runtimes_; }

 private:
  explicit Catalogue(std::vector<Runtime> runtimes);

  std::shared_ptr<const std::vector<Runtime>> runtimes_;
};

// Reads one runtime from TOML text. `file` names it in problems, which are appended to `problems`
// as "file:line: field: why"; the result is meaningful only when none were.
Runtime read_runtime(std::string_view toml_text, const std::string& file,
                     std::vector<std::string>& problems);

}  // namespace deployclaw::runtimes

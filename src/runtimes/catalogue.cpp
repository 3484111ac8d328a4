#include "runtimes/catalogue.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/toml_reader.hpp"

namespace deployclaw::runtimes {
namespace fs = std::filesystem;

bool HttpCheck::holds(unsigned status, std::string_view body) const {
  if (status != 200) return false;
  if (expect.empty()) return true;
  boost::system::error_code error;
  const auto value = boost::json::parse(boost::json::string_view(body.data(), body.size()), error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return false;
  return std::ranges::all_of(expect, [&](const auto& member) {
    const auto* found = object->if_contains(member.key());
    return found != nullptr && *found == member.value();
  });
}

std::string Runtime::describe_exit(int exit_code) const {
  if (const auto own = exit_codes.find(exit_code); own != exit_codes.end()) return own->second;
  switch (exit_code) {
    case 0:
      return "ended by itself";
    case 111:
      return "its network or config file did not come in time";
    case 125:
    case 126:
    case 127:
      return "its command could not be started";
    case 137:
      return "killed (SIGKILL)";
    case 139:
      return "crashed (SIGSEGV)";
    case 143:
      return "terminated (SIGTERM)";
    default:
      return {};
  }
}

Catalogue::Catalogue(std::vector<Runtime> runtimes) {
  std::ranges::sort(runtimes, {}, &Runtime::name);
  runtimes_ = std::make_shared<const std::vector<Runtime>>(std::move(runtimes));
}

Catalogue Catalogue::of(std::vector<Runtime> runtimes) { return Catalogue(std::move(runtimes)); }

Result<Catalogue> Catalogue::load(const fs::path& catalog_dir) {
  auto files = toml_files(catalog_dir / "runtimes", "runtime catalogue");
  if (!files) return fail(std::move(files.error()));

  std::vector<Runtime> runtimes;
  std::vector<std::string> problems;
  for (const fs::path& file : *files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) {
      problems.push_back(file.string() + ": cannot be read");
      continue;
    }
    Runtime runtime = read_runtime(text, file.string(), problems);
    if (!runtime.name.empty() && file.stem() != runtime.name) {
      problems.push_back(file.string() + ":1: name: must be the file's name, " +
                         file.stem().string());
    }
    runtimes.push_back(std::move(runtime));
  }
  if (!problems.empty()) {
    return fail(Code::kInvalid, "runtime catalogue is not valid:\n" + joined_lines(problems));
  }
  return Catalogue(std::move(runtimes));
}

const Runtime* Catalogue::find(std::string_view name, bool with_test_only) const {
  const auto found = std::ranges::find(*runtimes_, name, &Runtime::name);
  if (found == runtimes_->end() || (found->test_only && !with_test_only)) return nullptr;
  return &*found;
}

}  // namespace deployclaw::runtimes

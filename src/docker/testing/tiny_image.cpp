#include "docker/testing/tiny_image.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

namespace deployclaw::docker::testing {

namespace {
constexpr std::size_t kBlock = 512;
}

std::string make_single_file_tar(const std::string& name, const std::string& content) {
  std::string head(kBlock, '\0');
  const auto put = [&](std::size_t at, std::string_view text) {
    head.replace(at, text.size(), text);
  };
  put(0, name);
  put(100, "0000755");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", content.size()));
  put(136, "00000000000");
  put(148, "        ");  // the checksum counts as spaces
  put(156, "0");
  put(257, std::string_view("ustar\0"
                            "00",
                            8));
  unsigned sum = 0;
  for (const char byte : head) sum += static_cast<unsigned char>(byte);
  put(148, fmt::format("{:06o}", sum) + std::string(1, '\0') + " ");
  auto tar = head + content;
  tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock + 2 * kBlock, '\0');
  return tar;
}

Task<Result<std::string>> import_tiny_image(Engine& engine, std::filesystem::path binary) {
  std::ifstream file(binary, std::ios::binary);
  const std::string program((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
  if (program.empty()) co_return fail(Code::kNotFound, "no such program: " + binary.string());
  const auto version = std::to_string(std::hash<std::string>()(program));
  std::string reference = kTinyReference;
  // Test programs that share a daemon import it once: an id that changed under a running test
  // would confuse it.
  const auto present = co_await engine.inspect_image(std::move(reference));
  if (present) {
    const auto label = present->labels.find(kTinyLabel);
    if (label != present->labels.end() && label->second == version) co_return present->id;
  }
  const auto tar = std::filesystem::temp_directory_path() /
                   ("deployclaw-tiny-" + std::to_string(::getpid()) + ".tar");
  std::ofstream(tar, std::ios::binary) << make_single_file_tar("tiny", program);
  reference = kTinyReference;
  std::vector<std::string> changes{"CMD [\"/tiny\", \"run\"]",
                                   "LABEL " + std::string(kTinyLabel) + "=" + version};
  auto id = co_await engine.import_image(tar, std::move(reference), std::move(changes),
                                         std::chrono::seconds(60));
  std::filesystem::remove(tar);
  co_return id;
}

}  // namespace deployclaw::docker::testing

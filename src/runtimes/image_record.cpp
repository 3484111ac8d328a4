// The record of a built image: <records_dir>/<runtime>.json.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "http/json_body.hpp"
#include "runtimes/image_build.hpp"

namespace deployclaw::runtimes {
namespace {

namespace fs = std::filesystem;

fs::path record_path(const fs::path& folder, std::string_view runtime) {
  return folder / (std::string(runtime) + ".json");
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(*text) : std::string();
}

}  // namespace

Result<ImageRecord> read_image_record(const fs::path& records_dir, std::string_view runtime) {
  const fs::path path = record_path(records_dir, runtime);
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return fail(Code::kNotFound, fmt::format("the image of runtime {0} has not been built; run: "
                                             "deployclaw image build {0}",
                                             runtime));
  }
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  auto value = http::parse_json(bytes);
  const auto* object = value ? value->if_object() : nullptr;
  if (object == nullptr) return fail(Code::kCorrupt, path.string() + " is not a JSON object");

  ImageRecord record{.runtime = text_of(*object, "runtime"),
                     .version = text_of(*object, "version"),
                     .reference = text_of(*object, "reference"),
                     .image_id = text_of(*object, "imageId"),
                     .sha256 = text_of(*object, "sha256"),
                     .built_at = text_of(*object, "builtAt")};
  if (const auto* size = object->if_contains("sizeBytes"); size != nullptr && size->is_number()) {
    boost::system::error_code error;
    record.size_bytes = size->to_number<std::uint64_t>(error);
  }
  if (record.runtime != runtime || record.reference.empty() || record.image_id.empty()) {
    return fail(Code::kCorrupt, path.string() + " lacks runtime, reference or imageId");
  }
  return record;
}

Status write_image_record(const fs::path& records_dir, const ImageRecord& record) {
  const boost::json::object object{
      {"runtime", record.runtime},  {"version", record.version}, {"reference", record.reference},
      {"imageId", record.image_id}, {"sha256", record.sha256},   {"sizeBytes", record.size_bytes},
      {"builtAt", record.built_at}};
  std::error_code error;
  fs::create_directories(records_dir, error);
  const fs::path path = record_path(records_dir, record.runtime);
  const fs::path part = path.string() + fmt::format(".part-{}", getpid());
  {
    std::ofstream out(part, std::ios::binary | std::ios::trunc);
    out << boost::json::serialize(object) << '\n';
    out.close();
    if (!out) return fail(Code::kInternal, "cannot write " + part.string());
  }
  // The orchestrator reads it under another uid; nothing in it is secret.
  if (::chmod(part.c_str(), 0644) != 0 || ::rename(part.c_str(), path.c_str()) != 0) {
    return fail(Code::kInternal, "cannot place " + path.string() + ": " + std::strerror(errno));
  }
  return {};
}

}  // namespace deployclaw::runtimes

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"

namespace deployclaw::docker {

struct EngineVersion {
  std::string version;      // "20.10.24"
  std::string api_version;  // "1.41"
};

struct Image {
  std::string id;                 // "sha256:…"
  std::vector<std::string> tags;  // "deployclaw/openclaw:…"
  std::uint64_t size_bytes = 0;
  std::map<std::string, std::string> labels;
};

// A raw answer body that streams; "" means the end.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Waits until bytes come; `deadline` 0 waits without end (cancel the coroutine to stop).
  virtual Task<Result<std::string>> read_some(std::chrono::milliseconds deadline) = 0;
};

// A thin client of the Docker Engine API over its unix socket: one function per call, JSON in and
// out where a type would add nothing. Errors carry the daemon's own message: 404 kNotFound, 409
// kConflict, 400 kInvalid, other kInternal; no answer is kUnavailable ("Docker does not answer at
// <socket>"). Single-threaded.
class Engine {
 public:
  using Query = std::vector<std::pair<std::string, std::string>>;

  Engine(boost::asio::any_io_executor executor, std::filesystem::path socket);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] const std::filesystem::path& socket() const;
  // DOCKER_HOST as a path ("unix:///run/docker.sock" or a bare path); kInvalid for other schemes.
  static Result<std::filesystem::path> parse_host(std::string_view docker_host);

  Task<Status> ping();
  Task<Result<EngineVersion>> version();

  // Images.
  Task<Result<Image>> inspect_image(std::string reference);
  Task<Result<std::vector<Image>>> list_images(std::string label);  // "" lists all
  // Imports a root file system tar as a flat image, `changes` being Dockerfile instructions
  // ("USER 10001", "LABEL a=b"). Gives the image id. The upload has `deadline`.
  Task<Result<std::string>> import_image(std::filesystem::path tar, std::string reference,
                                         std::vector<std::string> changes,
                                         std::chrono::milliseconds deadline);
  Task<Status> tag_image(std::string image, std::string repository, std::string tag);
  Task<Status> remove_image(std::string reference);  // absent is fine

  // Containers. `body` is the API's create object; gives the id.
  Task<Result<std::string>> create_container(std::string name, boost::json::value body);
  Task<Status> start_container(std::string id);                             // running is fine
  Task<Status> stop_container(std::string id, std::chrono::seconds grace);  // stopped is fine
  Task<Status> kill_container(std::string id, std::string signal);          // stopped is fine
  Task<Status> remove_container(std::string id);                            // force; absent is fine
  Task<Status> rename_container(std::string id, std::string name);
  Task<Result<boost::json::value>> inspect_container(std::string id);
  // All containers, running or not, that carry `label` ("key=value"): the API's list objects.
  Task<Result<boost::json::value>> list_containers(std::string label);
  // Waits until it exits; gives the exit code. kTimeout after `deadline`.
  Task<Result<std::int64_t>> wait_container(std::string id, std::chrono::milliseconds deadline);

  struct LogOptions {
    std::size_t tail = 50;
    bool follow = false;
    std::string since = {};  // unix seconds, may have a fraction
  };
  // Multiplexed frames with time stamps (see frames.hpp).
  Task<Result<std::unique_ptr<ByteStream>>> container_logs(std::string id, LogOptions options);
  // JSON objects of container events, one per line, filtered by `label`; `since` as above or "".
  Task<Result<std::unique_ptr<ByteStream>>> events(std::string label, std::string since);

  // Runs a command in a running container; output as multiplexed, cut at `most_bytes`.
  struct ExecOutcome {
    std::int64_t exit_code = 0;
    std::string output;
  };
  Task<Result<ExecOutcome>> exec(std::string id, std::vector<std::string> command,
                                 std::size_t most_bytes, std::chrono::milliseconds deadline);

  // Unpacks a tar (bytes) into a directory of the container / reads one out as tar.
  Task<Status> put_archive(std::string id, std::string directory, std::string tar);
  Task<Result<std::string>> get_archive(std::string id, std::string path, std::size_t most_bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deployclaw::docker

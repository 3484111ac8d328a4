#include "app/images.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>

#include "app/commands.hpp"
#include "app/embedded_docker.hpp"
#include "app/paths.hpp"
#include "docker/engine.hpp"
#include "runtimes/catalogue.hpp"
#include "runtimes/image_build.hpp"

namespace deployclaw::app {
namespace {

namespace fs = std::filesystem;
constexpr std::chrono::minutes kImportDeadline{10};

// Runs one engine call to its end on a loop of its own.
template <class T>
T run(std::function<Task<T>(docker::Engine&)> call, const fs::path& socket) {
  boost::asio::io_context io;
  docker::Engine engine(io.get_executor(), socket);
  std::optional<T> outcome;
  boost::asio::co_spawn(io, call(engine), [&](const std::exception_ptr& error, T value) {
    if (error) std::rethrow_exception(error);
    outcome = std::move(value);
  });
  io.run();
  return std::move(*outcome);
}

// The images of one engine.
class EngineImages {
 public:
  explicit EngineImages(fs::path socket) : socket_(std::move(socket)) {}

  // The id of `reference`, "" when it is not there.
  [[nodiscard]] Result<std::string> find(const std::string& reference) const {
    const auto image = run<Result<docker::Image>>(
        [&](docker::Engine& engine) { return engine.inspect_image(reference); }, socket_);
    if (image) return image->id;
    if (image.error().code == Code::kNotFound) return std::string();
    return fail(image.error());
  }

  [[nodiscard]] Result<std::string> import(const fs::path& tar, const std::string& reference,
                                           const std::vector<std::string>& changes) const {
    return run<Result<std::string>>(
        [&](docker::Engine& engine) {
          return engine.import_image(tar, reference, changes, kImportDeadline);
        },
        socket_);
  }

 private:
  fs::path socket_;
};

std::string home_of(const Settings& settings) {
  return settings.text("home").empty() ? "var" : settings.text("home");
}

// The engine this platform uses: the configured one, or the private one of a running `up`.
std::string engine_host(const Settings& settings, const Paths& paths) {
  if (docker_answers(settings.text("docker.host"))) return settings.text("docker.host");
  const EmbeddedDocker own(paths);
  return docker_answers(own.host()) ? own.host() : std::string();
}

runtimes::ImageBuildOptions build_options(const std::string& catalog_dir, const std::string& home) {
  return {.images_dir = fs::path(catalog_dir).parent_path() / "images",
          .cache_dir = runtimes::default_cache_dir(),
          .work_dir = fs::path(home) / "build",
          .records_dir = fs::path(home) / "images",
          .archive = {},
          .archive_sha256 = {}};
}

int complain(std::string_view what) {
  fmt::print(stderr, "deployclaw image: {}\n", what);
  return 1;
}

}  // namespace

void load_recorded_images(const std::string& catalog_dir, const std::string& home,
                          const std::string& docker_host,
                          const std::function<void(const std::string&)>& progress) {
  const auto catalogue = runtimes::Catalogue::load(catalog_dir);
  const auto socket = docker::Engine::parse_host(docker_host);
  if (!catalogue || !socket) return;
  const auto options = build_options(catalog_dir, home);
  const EngineImages engine(*socket);
  for (const auto& runtime : catalogue->all()) {
    const auto record = runtimes::read_image_record(options.records_dir, runtime.name);
    if (!record) continue;
    const auto present = engine.find(record->reference);
    if (present && !present->empty()) continue;
    const auto loaded = runtimes::build_image(
        runtime, options, [&](std::string_view line) { progress(std::string(line)); },
        [&](const std::string& reference) { return engine.find(reference); },
        [&](const fs::path& tar, const std::string& reference,
            const std::vector<std::string>& changes) {
          return engine.import(tar, reference, changes);
        });
    if (!loaded) progress("the image of " + runtime.name + ": " + loaded.error().message);
  }
}

int image_build(const Settings& settings, const ImageOptions& wanted) {
  const auto catalogue = runtimes::Catalogue::load(settings.text("catalog_dir"));
  if (!catalogue) return complain(catalogue.error().message);
  const auto* runtime = catalogue->find(wanted.runtime, true);
  if (runtime == nullptr) {
    std::string known;
    for (const auto& each : catalogue->all()) known += (known.empty() ? "" : ", ") + each.name;
    return complain(
        fmt::format("no runtime '{}' in the catalogue; there are: {}", wanted.runtime, known));
  }
  const auto paths = locate(home_of(settings));
  if (!paths) return complain(paths.error().message);

  auto options = build_options(settings.text("catalog_dir"), paths->home);
  options.no_cache = wanted.no_cache;
  options.archive = wanted.archive;
  options.archive_sha256 = wanted.sha256;
  const auto host = engine_host(settings, *paths);
  const EngineImages engine(host.empty() ? "" : docker::Engine::parse_host(host).value_or(""));
  // Without an engine the image waits in the cache; `up` loads it once its own engine runs.
  const auto find = [&](const std::string& reference) -> Result<std::string> {
    return host.empty() ? Result<std::string>("not loaded yet") : engine.find(reference);
  };
  const auto import = [&](const fs::path& tar, const std::string& reference,
                          const std::vector<std::string>& changes) {
    return engine.import(tar, reference, changes);
  };
  const auto progress = [](std::string_view line) {
    fmt::print("  {}\n", line);
    std::fflush(stdout);
  };
  const auto record = runtimes::build_image(*runtime, options, progress, find, import);
  if (!record) return complain(record.error().message);
  fmt::print("{} ({} MB, sha256 {})\n", record->reference, record->size_bytes / 1'000'000,
             record->sha256.substr(0, 12));
  return 0;
}

int image_list(const Settings& settings) {
  const auto catalogue = runtimes::Catalogue::load(settings.text("catalog_dir"));
  if (!catalogue) return complain(catalogue.error().message);
  const fs::path records = fs::path(home_of(settings)) / "images";
  for (const auto& runtime : catalogue->all()) {
    const auto record = runtimes::read_image_record(records, runtime.name);
    fmt::print("{:10} {}\n", runtime.name,
               record ? fmt::format("{}  {} MB  built {}", record->reference,
                                    record->size_bytes / 1'000'000, record->built_at)
                      : std::string("not built"));
  }
  return 0;
}

}  // namespace deployclaw::app

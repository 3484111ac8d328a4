#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "runtimes/runtime.hpp"

namespace deployclaw::runtimes {

// What <home>/images/<runtime>.json says: the image that new containers of a runtime use.
struct ImageRecord {
  std::string runtime;
  std::string version;
  std::string reference;  // "deployclaw/openclaw:2026.9.6-0123456789ab"
  std::string image_id;   // the engine's "sha256:…"
  std::string sha256;     // of the root file system's tar, hex
  std::uint64_t size_bytes = 0;
  std::string built_at;  // RFC 3339 UTC, of the tar
};

struct ImageBuildOptions {
  std::filesystem::path images_dir;   // the folder of recipes: <checkout>/images
  std::filesystem::path cache_dir;    // ${DEPLOYCLAW_CACHE:-/var/cache/deployclaw}/images
  std::filesystem::path work_dir;     // scratch, about 3 GB for openclaw; made and removed
  std::filesystem::path records_dir;  // <home>/images
  bool no_cache = false;              // build even when the cache has it
  std::filesystem::path archive;      // for recipes with needs_archive
  std::string archive_sha256;
};

// Called for each line a recipe prints and for our own steps.
using Progress = std::function<void(std::string_view line)>;

// Loads a tar as a flat image: (tar, reference, Dockerfile changes) -> image id.
using Importer = std::function<Result<std::string>(const std::filesystem::path& tar,
                                                   const std::string& reference,
                                                   const std::vector<std::string>& changes)>;

// Is there an image of that reference in the engine already? Gives its id, or "".
using ImageFinder = std::function<Result<std::string>(const std::string& reference)>;

// The key of what a build would make: SHA-256 over the runtime's name, version and changes and over
// every file of its recipe, of images/init and of images/recipe.sh (names and contents), and the
// archive's hash. 64 hex digits.
Result<std::string> image_key(const Runtime& runtime, const ImageBuildOptions& options);

// "<name>:<version>-<first 12 digits of key>".
std::string image_reference(const Runtime& runtime, std::string_view key);

// Makes the image of a runtime of source kRecipe and records it: takes the tar out of the cache
// (its SHA-256 is checked) or runs the recipe and puts the tar there; asks `find` whether the
// engine has the image, else loads it with `import`; writes the record. Blocking, minutes long: run
// it on a pool or in a program of its own. Two builds of one key wait for each other (flock).
// kUnsupported for runtimes without a recipe; kInvalid when an archive or its hash is missing;
// kInternal with the recipe's last lines when it fails.
Result<ImageRecord> build_image(const Runtime& runtime, const ImageBuildOptions& options,
                                const Progress& progress, const ImageFinder& find,
                                const Importer& import);

// Reads <records_dir>/<runtime>.json. kNotFound when the image has not been built.
Result<ImageRecord> read_image_record(const std::filesystem::path& records_dir,
                                      std::string_view runtime);
// Writes it atomically, mode 0644.
Status write_image_record(const std::filesystem::path& records_dir, const ImageRecord& record);

// $DEPLOYCLAW_CACHE/images, by default /var/cache/deployclaw/images.
std::filesystem::path default_cache_dir();

}  // namespace deployclaw::runtimes

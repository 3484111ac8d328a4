#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "base/task.hpp"
#include "docker/engine.hpp"

namespace deployclaw::docker::testing {

inline constexpr auto kTinyReference = "deployclaw/tiny:test";
inline constexpr auto kTinyLabel = "io.deployclaw.test";

// A POSIX ustar archive that holds one executable file: a whole image.
std::string make_single_file_tar(const std::string& name, const std::string& content);

// Imports the program at `binary` as an image `kTinyReference` with the file /tiny. Gives its id.
// An image of the same program that is there already is taken as it is.
Task<Result<std::string>> import_tiny_image(Engine& engine, std::filesystem::path binary);

}  // namespace deployclaw::docker::testing

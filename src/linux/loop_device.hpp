#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "linux/file.hpp"

namespace deployclaw::linux {

// A loop device that shows a file; it detaches itself when the last user (a mount, or this handle)
// is gone. Private to this module.
struct LoopDevice {
  UniqueFd handle;
  std::string path;  // "/dev/loop3"
};

// Attaches a file to a free loop device. Needs CAP_SYS_ADMIN.
Result<LoopDevice> attach_loop(const std::filesystem::path& file);

// The file behind a block device name ("loop3"), as the kernel tells it: absolute, with "
// (deleted)" removed. kNotFound when that is no attached loop device.
Result<std::filesystem::path> file_behind(const std::string& device_name);

}  // namespace deployclaw::linux

#include "linux/loop_device.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

namespace deployclaw::linux {

namespace {

constexpr int kTries = 64;  // another process may take the free device between two calls
constexpr unsigned kLoopMajor = 7;

// Where devtmpfs does not make them (a container), the node is made here.
UniqueFd open_device(const std::string& path, int number) {
  UniqueFd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (device.valid() || errno != ENOENT) return device;
  ::mknod(path.c_str(), S_IFBLK | 0660, ::makedev(kLoopMajor, static_cast<unsigned>(number)));
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
}

}  // namespace

Result<LoopDevice> attach_loop(const std::filesystem::path& file) {
  const UniqueFd backing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!backing.valid()) return fail_errno("open " + file.string(), errno);
  const UniqueFd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) return fail_errno("open /dev/loop-control", errno);
  for (int i = 0; i < kTries; ++i) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("find a free loop device", errno);
    const auto path = "/dev/loop" + std::to_string(number);
    auto device = open_device(path, number);
    if (!device.valid()) return fail_errno("open " + path, errno);
    loop_config config{};
    config.fd = static_cast<unsigned>(backing.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), file.c_str(),
                 sizeof config.info.lo_file_name - 1);
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      return LoopDevice{std::move(device), path};
    }
    if (errno != EBUSY) return fail_errno("attach " + file.string() + " to " + path, errno);
  }
  return fail(Code::kUnavailable, "no free loop device");
}

Result<std::filesystem::path> file_behind(const std::string& device_name) {
  auto text = read_small_file("/sys/block/" + device_name + "/loop/backing_file");
  if (!text) return fail(text.error());
  if (text->ends_with('\n')) text->pop_back();
  constexpr std::string_view kDeleted = " (deleted)";
  if (text->ends_with(kDeleted)) text->resize(text->size() - kDeleted.size());
  return std::filesystem::path(*text);
}

}  // namespace deployclaw::linux

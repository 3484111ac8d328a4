#include "orchestrator/authority.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "linux/file.hpp"
#include "store/client_authorities.hpp"

namespace deployclaw::orchestrator {
namespace fs = std::filesystem;
namespace {

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return linux::fail_errno("write the CA bundle", errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// Durable before it gets its name: a machine that loses power must not leave half a bundle.
Status write_new_file(const fs::path& path, std::string_view text) {
  ::unlink(path.c_str());
  const linux::UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd.valid()) return linux::fail_errno("create the CA bundle", errno);
  // Whatever our umask is, the agent's user reads it.
  if (::fchmod(fd.get(), 0644) != 0) return linux::fail_errno("open the CA bundle to all", errno);
  if (auto done = write_all(fd.get(), text); !done) return done;
  if (::fsync(fd.get()) != 0) return linux::fail_errno("sync the CA bundle", errno);
  return {};
}

}  // namespace

Task<Result<std::string>> ensure_client_authority(db::Database& db, vault::Vault& vault,
                                                  ClientId client, Bytes client_salt) {
  auto found = co_await store::find_client_authority(db, client);
  if (!found) co_return fail(std::move(found).error());
  if (*found) co_return std::move((*found)->certificate);
  auto whose = vault::client_ca_context(client, std::move(client_salt));
  auto made = co_await vault.create_authority(std::move(whose));
  if (!made) co_return context("make the client's authority", std::move(made).error());
  store::ClientAuthority authority;
  authority.certificate = std::move(made->certificate);
  authority.encrypted = std::move(made->sealed);
  auto kept = co_await store::keep_client_authority(db, client, std::move(authority));
  co_return kept;
}

Status write_ca_bundle(const fs::path& file, const fs::path& host_roots,
                       std::string_view client_certificate) {
  auto bundle = linux::read_small_file(host_roots.string());
  if (!bundle && bundle.error().code == Code::kNotFound) {
    return fail(Code::kNotFound, host_roots.string() +
                                     " is missing: install the package ca-certificates on this "
                                     "host");
  }
  if (!bundle) return fail(bundle.error());
  if (!bundle->empty() && bundle->back() != '\n') *bundle += '\n';
  bundle->append(client_certificate);
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) return linux::fail_errno("create " + file.parent_path().string(), error.value());
  const fs::path fresh = file.string() + ".new";
  if (auto done = write_new_file(fresh, *bundle); !done) return done;
  fs::rename(fresh, file, error);
  if (error) return linux::fail_errno("put the CA bundle in its place", error.value());
  return {};
}

}  // namespace deployclaw::orchestrator

#include "vault/cli.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "base/task.hpp"
#include "vault/client.hpp"

namespace deployclaw::vault {
namespace {

namespace json = boost::json;
using Reply = std::optional<Result<json::object>>;

Task<void> ask_status(VaultClient* client, Reply* reply) {
  auto answer = co_await client->status();
  reply->emplace(std::move(answer));
}

Task<void> ask_rotate(VaultClient* client, Reply* reply) {
  auto answer = co_await client->rotate();
  reply->emplace(std::move(answer));
}

Result<json::object> ask(const std::string& socket_path,
                         Task<void> (*question)(VaultClient*, Reply*)) {
  boost::asio::io_context io(1);
  VaultClient client(io.get_executor(), socket_path);
  TaskGroup tasks(io.get_executor());
  Reply reply;
  tasks.spawn("ask the vault", question(&client, &reply));
  while (!reply && io.run_one() > 0) {
  }
  if (!reply) return fail(Code::kUnavailable, "vault: no answer");
  return *std::move(reply);
}

int report(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// The text of a member, whatever its type; "-" when absent.
std::string text_of(const json::object& object, const char* name) {
  const auto* member = object.if_contains(name);
  if (member == nullptr) return "-";
  return member->is_string() ? std::string(member->get_string()) : json::serialize(*member);
}

void print_status(const json::object& status) {
  print("running since  " + text_of(status, "startedAt") + "\n");
  print("memory locked  " + text_of(status, "memoryLocked") + "\n");
  print("newest key     v" + text_of(status, "newest") + "\n");
  const auto* versions = status.if_contains("versions");
  if (versions != nullptr && versions->is_array()) {
    for (const auto& version : versions->get_array()) {
      if (!version.is_object()) continue;
      const auto& row = version.get_object();
      print("  v" + text_of(row, "version") + "  created " + text_of(row, "createdAt") +
            "  check " + text_of(row, "check") + "\n");
    }
  }
  print("counters       " + text_of(status, "counters") + "\n");
}

}  // namespace

int run_status(const std::string& socket_path, bool as_json) {
  const auto status = ask(socket_path, ask_status);
  if (!status) return report(status.error());
  if (as_json) {
    print(json::serialize(*status) + "\n");
  } else {
    print_status(*status);
  }
  return 0;
}

int run_rotate(const std::string& socket_path, bool as_json) {
  const auto rotated = ask(socket_path, ask_rotate);
  if (!rotated) return report(rotated.error());
  if (as_json) {
    print(json::serialize(*rotated) + "\n");
  } else {
    print("New secrets are sealed with key v" + text_of(*rotated, "newest") +
          " from now on; older rows stay readable.\nBack up " + text_of(*rotated, "keyFile") +
          " now, apart from the database.\n");
  }
  return 0;
}

}  // namespace deployclaw::vault

#include "egress/worker_config.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include "base/encoding.hpp"
#include "egress/json_text.hpp"

namespace deployclaw::egress {

namespace json = boost::json;

namespace {

// Text that is wiped whatever happens.
struct WipedText {
  std::string text;
  WipedText() = default;
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { wipe_string(text); }
};

// Appends one JSON string; in base64, so that what a secret contains does not matter.
void append_secret(std::string& out, const Secret& secret) {
  auto encoded = base64_encode(secret.expose());
  out += '"';
  out += encoded;
  out += '"';
  wipe_string(encoded);
}

// The secrets of one credential, in the one order in which they travel.
template <class Credential, class Each>
void each_secret(Credential& credential, Each each) {
  each(credential.value);
  each(credential.grant.client_secret);
  each(credential.grant.refresh_token);
  each(credential.grant.previous_token);
}

std::size_t room_of(const WorkerCredential& credential) {
  std::size_t room = 0;
  each_secret(credential, [&](const Secret& secret) { room += 2 * secret.size() + 8; });
  return room;
}

json::value time_of(std::optional<Time> time) {
  return time ? json::value(time->time_since_epoch().count()) : json::value();
}

json::object public_part(const WorkerCredential& credential) {
  json::array hosts;
  for (const auto& host : credential.hosts) hosts.emplace_back(json_text(host));
  return {{"name", json_text(credential.name)},
          {"kind", json_text(credential.kind)},
          {"hosts", std::move(hosts)},
          {"placeholder", json_text(credential.placeholder)},
          {"expiresAt", time_of(credential.expires_at)},
          {"grant", json_text(credential.grant_name)},
          {"clientId", json_text(credential.grant.client_id)}};
}

json::object public_part(const WorkerAgent& agent) {
  json::object addresses;
  for (const auto& [address, name] : agent.addresses) {
    addresses[std::to_string(address)] = json_text(name);
  }
  json::array credentials;
  for (const auto& credential : agent.credentials) credentials.push_back(public_part(credential));
  return {{"id", agent.id.to_string()},
          {"permissions", agent.permissions},
          {"addresses", std::move(addresses)},
          {"credentials", std::move(credentials)}};
}

json::object public_part(const WorkerConfig& config) {
  json::array agents;
  for (const auto& agent : config.agents) agents.push_back(public_part(agent));
  json::array deadlines;
  for (const auto one : kEveryDeadline) deadlines.emplace_back((config.deadlines.*one).count());
  json::array nameservers;
  for (const auto& server : config.nameservers) nameservers.emplace_back(json_text(server));
  json::object pins;
  for (const auto& [name, addresses] : config.pins) {
    json::array list;
    for (const auto& address : addresses) list.emplace_back(json_text(address));
    pins[json_text(name)] = std::move(list);
  }
  return {{"version", config.version},
          {"client", config.client.to_string()},
          {"active", config.active},
          {"agents", std::move(agents)},
          {"certificate", json_text(config.authority_certificate)},
          {"deadlines", std::move(deadlines)},
          {"nameservers", std::move(nameservers)},
          {"pins", std::move(pins)}};
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = write(fd, bytes.data(), bytes.size());
    if (count < 0) return linux::fail_errno("write the worker's configuration", errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

std::string text_of(const json::value& value) { return std::string(value.as_string()); }

std::vector<std::string> texts_of(const json::value& value) {
  std::vector<std::string> texts;
  for (const auto& entry : value.as_array()) texts.push_back(text_of(entry));
  return texts;
}

Secret secret_of(const json::value& value) {
  auto bytes = base64_decode(value.as_string());
  return bytes ? Secret(std::move(*bytes)) : Secret();
}

std::optional<Time> time_of(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  return Time(std::chrono::microseconds(value.as_int64()));
}

WorkerAgent agent_of(const json::object& object) {
  WorkerAgent agent;
  agent.id = AgentId::parse(text_of(object.at("id"))).value_or(AgentId());
  // A copy in ordinary memory: the parsed tree is in a block that goes at once.
  agent.permissions = json::value(object.at("permissions"), json::storage_ptr());
  for (const auto& [address, name] : object.at("addresses").as_object()) {
    agent.addresses[static_cast<std::uint32_t>(std::stoul(std::string(address)))] = text_of(name);
  }
  for (const auto& entry : object.at("credentials").as_array()) {
    const auto& from = entry.as_object();
    agent.credentials.push_back({.name = text_of(from.at("name")),
                                 .kind = text_of(from.at("kind")),
                                 .hosts = texts_of(from.at("hosts")),
                                 .placeholder = text_of(from.at("placeholder")),
                                 .value = {},
                                 .expires_at = time_of(from.at("expiresAt")),
                                 .grant_name = text_of(from.at("grant")),
                                 .grant = {.client_id = text_of(from.at("clientId"))}});
  }
  return agent;
}

WorkerConfig config_of(const json::array& parts) {
  const auto& object = parts.at(0).as_object();
  WorkerConfig config;
  config.version = object.at("version").to_number<std::uint64_t>();
  config.client = ClientId::parse(text_of(object.at("client"))).value_or(ClientId());
  config.active = object.at("active").as_bool();
  config.authority_certificate = text_of(object.at("certificate"));
  for (std::size_t i = 0; i < kEveryDeadline.size(); ++i) {
    const auto count = object.at("deadlines").as_array().at(i).to_number<std::int64_t>();
    config.deadlines.*kEveryDeadline[i] = std::chrono::milliseconds(count);
  }
  config.nameservers = texts_of(object.at("nameservers"));
  for (const auto& [name, list] : object.at("pins").as_object()) {
    config.pins[std::string(name)] = texts_of(list);
  }
  for (const auto& agent : object.at("agents").as_array()) {
    config.agents.push_back(agent_of(agent.as_object()));
  }
  // Then the secrets, in order: the authority's key, those of each agent's credentials.
  std::size_t at = 1;
  config.authority_key = secret_of(parts.at(at++));
  for (auto& agent : config.agents) {
    for (auto& credential : agent.credentials) {
      each_secret(credential, [&](Secret& secret) { secret = secret_of(parts.at(at++)); });
    }
  }
  return config;
}

}  // namespace

Result<linux::UniqueFd> seal_config(const WorkerConfig& config) {
  WipedText out;
  const auto open_text = json::serialize(public_part(config));
  std::size_t room = open_text.size() + 64 + 2 * config.authority_key.size();
  for (const auto& agent : config.agents) {
    for (const auto& credential : agent.credentials) room += room_of(credential);
  }
  out.text.reserve(room);  // so that no half-grown copy stays behind
  out.text += '[';
  out.text += open_text;
  out.text += ',';
  append_secret(out.text, config.authority_key);
  for (const auto& agent : config.agents) {
    for (const auto& credential : agent.credentials) {
      each_secret(credential, [&](const Secret& secret) {
        out.text += ',';
        append_secret(out.text, secret);
      });
    }
  }
  out.text += ']';
  linux::UniqueFd memory(memfd_create("worker-config", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.valid()) return linux::fail_errno("memfd_create", errno);
  if (auto written = write_all(memory.get(), out.text); !written) return fail(written.error());
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return linux::fail_errno("seal the worker's configuration", errno);
  }
  return memory;
}

Result<WorkerConfig> open_config(const linux::UniqueFd& memory) {
  WipedText in;
  const auto size = lseek(memory.get(), 0, SEEK_END);
  if (size <= 0) return fail(Code::kMalformed, "no configuration");
  in.text.resize(static_cast<std::size_t>(size));
  if (pread(memory.get(), in.text.data(), in.text.size(), 0) != size) {
    return fail(Code::kMalformed, "the configuration is cut short");
  }
  // The tree lives in one block that is wiped with it.
  WipedText block;
  block.text.resize(in.text.size() * 8 + 4096);
  {
    json::monotonic_resource resource(reinterpret_cast<unsigned char*>(block.text.data()),
                                      block.text.size());
    boost::system::error_code error;
    const auto parsed = json::parse(in.text, error, &resource);
    if (error || !parsed.is_array()) return fail(Code::kMalformed, "the configuration is no JSON");
    try {
      return config_of(parsed.get_array());
    } catch (const std::exception&) {
      return fail(Code::kMalformed, "the configuration has another form");
    }
  }
}

}  // namespace deployclaw::egress

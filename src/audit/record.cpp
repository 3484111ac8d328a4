#include "audit/record.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.hpp"

namespace deployclaw::audit {

namespace json = boost::json;

namespace {

constexpr std::size_t kMembers = 13;

void put_length(std::string& out, std::uint32_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((length >> shift) & 0xff));
  }
}

void put(std::string& out, std::string_view field) {
  put_length(out, static_cast<std::uint32_t>(field.size()));
  out.append(field);
}

void put_or_null(std::string& out, const std::optional<std::string>& field) {
  if (field) return put(out, *field);
  put_length(out, 0xffffffff);
}

std::string_view text_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::optional<Hash> to_hash(std::span<const unsigned char> bytes) {
  Hash hash;
  if (bytes.size() != hash.size()) return std::nullopt;
  std::ranges::copy(bytes, hash.begin());
  return hash;
}

std::string format_micros(Time time) {
  // format_time has milliseconds; the hash needs all of it.
  auto text = format_time(time);
  const auto micros = (time.time_since_epoch() % std::chrono::seconds(1)).count();
  return text.substr(0, 19) + fmt::format(".{:06}Z", micros < 0 ? micros + 1'000'000 : micros);
}

json::value or_null(const std::optional<std::string>& text) {
  return text ? json::value(*text) : json::value(nullptr);
}

// Reads members one by one and remembers the first that does not fit.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::optional<std::string> text_or_null(std::string_view key) {
    const auto* value = object_.if_contains(key);
    if (value != nullptr && value->is_null()) return std::nullopt;
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    return bad(key), std::nullopt;
  }

  std::string text(std::string_view key) {
    auto value = text_or_null(key);
    if (!value) bad(key);
    return std::move(value).value_or("");
  }

  // A text that `parse` turns into its value.
  template <class T>
  T parsed(std::string_view key, std::optional<T> (*parse)(std::string_view)) {
    const auto value = parse(text(key));
    if (!value) bad(key);
    return value.value_or(T{});
  }

  std::int64_t integer(std::string_view key) {
    const auto* value = object_.if_contains(key);
    if (value != nullptr && value->is_int64()) return value->get_int64();
    return bad(key), 0;
  }

  void bad(std::string_view key) {
    if (wrong_.empty()) wrong_ = key;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  const json::object& object_;
  std::string wrong_;
};

std::optional<Hash> parse_hash(std::string_view text) {
  const auto bytes = hex_decode(text);
  return bytes ? to_hash(*bytes) : std::nullopt;
}

}  // namespace

Hash record_hash(const Record& record) {
  std::string in;
  put(in, "deployclaw/audit/v1");
  put(in, text_of(record.prev_hash));
  put(in, record.client.to_string());
  put(in, std::to_string(record.seq));
  put(in, std::to_string(record.created_at.time_since_epoch().count()));
  put_or_null(in, record.agent.transform([](const AgentId& id) { return id.to_string(); }));
  put(in, record.actor_type);
  put_or_null(in, record.actor_id);
  put(in, record.action_type);
  put_or_null(in, record.target);
  put(in, record.outcome);
  put(in, record.metadata);
  put_or_null(in, record.ip);
  Hash hash;
  SHA256(reinterpret_cast<const unsigned char*>(in.data()), in.size(), hash.data());
  return hash;
}

Record record_of(const db::Row& row, int first) {
  const auto hash_at = [&](int column) {
    const auto hash = to_hash(row.bytes(first + column));
    if (!hash) throw db::BadColumn("an audit hash is not of 32 bytes");
    return *hash;
  };
  return {.client = row.id<ClientTag>(first),
          .seq = row.int64(first + 1),
          .created_at = row.time(first + 2),
          .agent = row.maybe_id<AgentTag>(first + 3),
          .actor_type = row.string(first + 4),
          .actor_id = row.maybe_string(first + 5),
          .action_type = row.string(first + 6),
          .target = row.maybe_string(first + 7),
          .outcome = row.string(first + 8),
          .metadata = row.string(first + 9),
          .ip = row.maybe_string(first + 10),
          .prev_hash = hash_at(11),
          .hash = hash_at(12)};
}

std::string format_line(const Record& record) {
  json::object out;
  out["clientId"] = record.client.to_string();
  out["seq"] = record.seq;
  out["createdAt"] = format_micros(record.created_at);
  out["agentId"] = record.agent ? json::value(record.agent->to_string()) : json::value(nullptr);
  out["actorType"] = record.actor_type;
  out["actorId"] = or_null(record.actor_id);
  out["actionType"] = record.action_type;
  out["target"] = or_null(record.target);
  out["outcome"] = record.outcome;
  out["metadata"] = record.metadata;
  out["ip"] = or_null(record.ip);
  out["prevHash"] = hex_encode(record.prev_hash);
  out["hash"] = hex_encode(record.hash);
  return json::serialize(out);
}

Result<Record> parse_line(std::string_view line) {
  boost::system::error_code error;
  const auto value = json::parse(json::string_view(line), error);
  if (error || !value.is_object()) return fail(Code::kMalformed, "the line is no JSON object");
  const auto& object = value.get_object();
  if (object.size() != kMembers) return fail(Code::kMalformed, "members missing or unknown");
  Reader reader(object);
  Record record;
  record.client = reader.parsed("clientId", &ClientId::parse);
  record.seq = reader.integer("seq");
  record.created_at = reader.parsed("createdAt", &parse_time);
  if (const auto agent = reader.text_or_null("agentId")) {
    record.agent = AgentId::parse(*agent);
    if (!record.agent) reader.bad("agentId");
  }
  record.actor_type = reader.text("actorType");
  record.actor_id = reader.text_or_null("actorId");
  record.action_type = reader.text("actionType");
  record.target = reader.text_or_null("target");
  record.outcome = reader.text("outcome");
  record.metadata = reader.text("metadata");
  record.ip = reader.text_or_null("ip");
  record.prev_hash = reader.parsed("prevHash", &parse_hash);
  record.hash = reader.parsed("hash", &parse_hash);
  if (!reader.wrong().empty()) {
    return fail(Code::kMalformed, "the member " + reader.wrong() + " is missing or wrong");
  }
  return record;
}

}  // namespace deployclaw::audit

// The probe agent: a stand-in for a real agent in tests. It answers the same health paths as
// OpenClaw, misbehaves on request, and tells what an attacker in its place could see and reach.
// One static binary, no libraries: it is the whole image. See README.md for every path and key.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace probe {

// What the agent was told to do; from the config file, then PROBE_* variables over it.
struct Settings {
  int port = 18789;
  long listen_after_ms = 0;
  long started_after_ms = 0;
  long ready_after_ms = 0;
  bool never_ready = false;
  long unready_after_ms = 0;          // 0: stays ready
  bool require_forwarded_for = true;  // 403 without X-Forwarded-For, as OpenClaw's trusted proxies
  int exit_code = -1;                 // -1: does not exit by itself
  long exit_after_ms = 0;
  bool ignore_term = false;
  std::string print = "none";  // none | plain | ansi | long | invalid | flood
  long print_count = 1;
  long print_every_ms = 0;
  bool fork_bomb = false;
  bool memory_bomb = false;
  std::string fill_path;  // a file that is written until the disk is full
};

// Reads the settings. False when the file or a variable is malformed; `error` says why.
bool load_settings(const std::string& path, Settings& settings, std::string& error);

using Parameters = std::map<std::string, std::string, std::less<>>;

// A JSON object under construction, written field by field.
class Json {
 public:
  Json& text(std::string_view name, std::string_view value);
  Json& number(std::string_view name, long value);
  Json& flag(std::string_view name, bool value);
  Json& raw(std::string_view name, std::string_view json);
  std::string end() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

// A JSON string literal; bytes that are not UTF-8 become \u00XX.
std::string quote(std::string_view value);

std::string percent_decode(std::string_view value);
long to_number(const std::string& text, long otherwise);
long now_ms();

struct Request {
  std::string method;
  std::string path;
  Parameters query;
  Parameters headers;  // names in lower case
  std::string body;
};

struct Response {
  int status = 200;
  std::string body;
};

// network attempts: /try/…  Each answers {"ok": bool, "error": "ECONNREFUSED", "ms": …}.
bool attempt(const Request& request, Response& response);
// a look around: /env /read /ls /mounts /caps /whoami /net
bool inspect(const Request& request, Response& response);
// misbehaviour on request: /do/…
bool misbehave(const Request& request, Response& response);
// ways out of the container: /escape/calls /escape/walk
bool escape(const Request& request, Response& response);

// Started by settings as well as by /do/… ; these do not return when they succeed.
[[noreturn]] void fork_bomb();
[[noreturn]] void memory_bomb();
long fill_disk(const std::string& path, long most_bytes, std::string& error);
void print_lines(std::string_view style, long count, long every_ms);

}  // namespace probe

#include "models/request_contents.hpp"

#include <array>
#include <boost/json/array.hpp>

namespace deployclaw::models {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

const json::value* find(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(json::string_view(key.data(), key.size()));
  return value == nullptr || value->is_null() ? nullptr : value;
}

enum class Part : std::uint8_t { kText, kImage, kAudio, kFar };

Part kind_of_mime(std::string_view mime) {
  if (mime.starts_with("image/")) return Part::kImage;
  if (mime.starts_with("audio/")) return Part::kAudio;
  return mime.starts_with("text/") ? Part::kText : Part::kFar;
}

// What one part of a message is, by its "type" or, for Gemini, by its only member. What refers to
// elsewhere, or has pages and frames, may be as long as the model can read.
Part kind_of(const json::object& part) {
  if (const auto* type = find(part, "type"); type != nullptr && type->is_string()) {
    const auto name = view(type->get_string());
    if (name == "image_url" || name == "input_image" || name == "image") return Part::kImage;
    if (name == "input_audio" || name == "audio") return Part::kAudio;
    constexpr std::array<std::string_view, 9> kFar{
        "document",    "file",           "input_file",       "document_url", "video_url",
        "input_video", "item_reference", "container_upload", "compaction"};
    for (const auto far : kFar) {
      if (name == far) return Part::kFar;
    }
  }
  for (const auto* key : {"inlineData", "inline_data"}) {
    const auto* data = find(part, key);
    if (data == nullptr) continue;
    if (!data->is_object()) return Part::kFar;
    for (const auto* name : {"mimeType", "mime_type"}) {
      const auto* mime = find(data->get_object(), name);
      if (mime != nullptr && mime->is_string()) return kind_of_mime(view(mime->get_string()));
    }
    return Part::kFar;
  }
  for (const auto* key : {"fileData", "file_data", "file_id"}) {
    if (find(part, key) != nullptr) return Part::kFar;
  }
  return Part::kText;
}

// The bytes of an image that is in the body: no text, so they are not counted as such.
std::size_t data_bytes(const json::object& part) {
  const auto text_at = [](const json::object& in, std::string_view key) -> std::string_view {
    const auto* value = find(in, key);
    return value != nullptr && value->is_string() ? view(value->get_string()) : "";
  };
  for (const auto* key : {"inlineData", "inline_data", "source"}) {
    const auto* data = find(part, key);
    if (data != nullptr && data->is_object()) return text_at(data->get_object(), "data").size();
  }
  auto url = text_at(part, "image_url");
  if (const auto* object = find(part, "image_url"); object != nullptr && object->is_object()) {
    url = text_at(object->get_object(), "url");
  }
  return url.starts_with("data:image/") ? url.size() : 0;
}

class Reader {
 public:
  explicit Reader(ModelRequest& request) : request_(request) {}

  // `content`: a provider takes what looks like an image for one here. Elsewhere, in the schema of
  // a tool, say, it is text, and is counted as text.
  void read(const json::value& value, bool content) {
    if (value.is_array()) {
      for (const auto& one : value.get_array()) read(one, content);
    } else if (value.is_object()) {
      read_object(value.get_object(), content);
    }
  }
  [[nodiscard]] std::size_t no_text() const { return no_text_; }

 private:
  void read_object(const json::object& object, bool content) {
    const auto part = kind_of(object);
    note_cache(object);
    if (part == Part::kImage) {
      ++request_.images;
      if (content) no_text_ += data_bytes(object);
    }
    if (part == Part::kAudio) request_.audio = true;
    if (part == Part::kAudio || part == Part::kFar) request_.unbounded = true;
    for (const auto& member : object) {
      const auto key = std::string_view(member.key().data(), member.key().size());
      const bool inside = key == "content" || key == "parts" || key == "output";
      read(member.value(), content && inside);
    }
  }

  void note_cache(const json::object& object) {
    const auto* cache = find(object, "cache_control");
    if (cache == nullptr) return;
    request_.caches = true;
    const auto* ttl = cache->is_object() ? find(cache->get_object(), "ttl") : nullptr;
    // Anything but the five minutes that are usual counts as the dearer hour.
    if (ttl != nullptr && !(ttl->is_string() && view(ttl->get_string()) == "5m")) {
      request_.caches_hour = true;
    }
  }

  ModelRequest& request_;
  std::size_t no_text_ = 0;
};

}  // namespace

Status read_contents(const json::object& body, std::size_t bytes, ModelRequest& request) {
  Reader reader(request);
  for (const auto& member : body) {
    const auto key = std::string_view(member.key().data(), member.key().size());
    reader.read(member.value(), key == "messages" || key == "input" || key == "contents");
  }
  if (const auto* cache = find(body, "cache_control")) {
    request.caches = true;
    request.caches_hour = request.caches_hour || cache->is_object();
  }
  for (const auto* key : {"previous_response_id", "conversation", "cachedContent", "cached_content",
                          "context_management"}) {
    if (find(body, key) != nullptr) request.unbounded = true;
  }
  request.text_bytes = bytes - std::min<std::size_t>(bytes, reader.no_text());
  return {};
}

}  // namespace deployclaw::models

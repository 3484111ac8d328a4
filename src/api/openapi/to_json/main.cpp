// openapi_to_json IN.yaml OUT.cpp: the OpenAPI document as one JSON string constant, so that the
// YAML is the only copy. Reads the YAML 1.2 core schema (what JSON can say), without tags or merge
// keys; anything else ends with an error that names the line.
#include <yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

namespace {

namespace json = boost::json;

[[noreturn]] void give_up(std::string_view why, std::size_t line) {
  std::cerr << "openapi_to_json: line " << line << ": " << why << '\n';
  std::exit(1);
}

json::value plain_scalar(std::string_view text) {
  if (text.empty() || text == "null" || text == "~") return nullptr;
  if (text == "true") return true;
  if (text == "false") return false;
  const auto* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, whole);
      error == std::errc() && at == end) {
    return whole;
  }
  double real = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, real);
      error == std::errc() && at == end && text != "inf" && text != "nan") {
    return real;
  }
  return json::value(json::string_view(text));
}

std::string_view text_of(const yaml_node_t& node) {
  return {reinterpret_cast<const char*>(node.data.scalar.value), node.data.scalar.length};
}

json::value convert(yaml_document_t& document, int index, int depth) {
  const yaml_node_t* node = yaml_document_get_node(&document, index);
  if (node == nullptr || depth > 100) give_up("too deep", 0);
  const auto line = node->start_mark.line + 1;
  switch (node->type) {
    case YAML_SCALAR_NODE:
      if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) return plain_scalar(text_of(*node));
      return json::value(json::string_view(text_of(*node)));
    case YAML_SEQUENCE_NODE: {
      json::array out;
      for (auto* item = node->data.sequence.items.start; item < node->data.sequence.items.top;
           ++item) {
        out.push_back(convert(document, *item, depth + 1));
      }
      return out;
    }
    case YAML_MAPPING_NODE: {
      json::object out;
      for (auto* pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
           ++pair) {
        const auto* key = yaml_document_get_node(&document, pair->key);
        if (key == nullptr || key->type != YAML_SCALAR_NODE) give_up("a key is no scalar", line);
        if (out.contains(text_of(*key))) give_up("a key appears twice", line);
        out[text_of(*key)] = convert(document, pair->value, depth + 1);
      }
      return out;
    }
    default:
      give_up("unexpected node", line);
  }
}

// In pieces, since a compiler need not take a string literal of more than 65,536 characters.
void write_source(std::ostream& out, std::string_view text) {
  out << "#include \"api/openapi/document.hpp\"\n\n#include <string>\n\n"
         "namespace deployclaw::api::openapi {\n\nstd::string_view document() {\n"
         "  static const std::string kText = std::string()";
  constexpr std::size_t kPiece = 8000;
  for (std::size_t at = 0; at < text.size(); at += kPiece) {
    out << "\n      .append(R\"openapi(" << text.substr(at, kPiece) << ")openapi\")";
  }
  out << ";\n  return kText;\n}\n\n}  // namespace deployclaw::api::openapi\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("usage: openapi_to_json IN.yaml OUT.cpp", 0);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(argv[1], "rb"), &std::fclose);
  if (!file) give_up("cannot read the input", 0);
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) give_up("out of memory", 0);
  yaml_parser_set_input_file(&parser, file.get());
  yaml_document_t document;
  if (yaml_parser_load(&parser, &document) == 0) {
    give_up(parser.problem != nullptr ? parser.problem : "cannot parse",
            parser.problem_mark.line + 1);
  }
  const auto* root = yaml_document_get_root_node(&document);
  if (root == nullptr) give_up("empty document", 1);
  const auto text = json::serialize(convert(document, 1, 0));
  yaml_document_delete(&document);
  yaml_parser_delete(&parser);
  std::ofstream out(argv[2]);
  write_source(out, text);
  out.flush();
  if (!out) give_up("cannot write the output", 0);
  return 0;
}

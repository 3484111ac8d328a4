#include "crypto/qr.hpp"

#include <qrcodegen/QrCode.hpp>

#include "base/secret.hpp"

namespace deployclaw::crypto {
namespace {

constexpr int kQuietZone = 4;  // modules, ISO/IEC 18004 §9.1

std::string xml_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// One path for all dark modules: each run of a row is a rectangle of height 1.
std::string dark_modules(const qrcodegen::QrCode& code) {
  std::string path;
  for (int y = 0; y < code.getSize(); ++y) {
    for (int x = 0; x < code.getSize();) {
      if (!code.getModule(x, y)) {
        ++x;
        continue;
      }
      int end = x;
      while (end < code.getSize() && code.getModule(end, y)) ++end;
      const std::string run = std::to_string(end - x);
      path += "M" + std::to_string(x + kQuietZone) + " " + std::to_string(y + kQuietZone) + "h" +
              run + "v1h-" + run + "z";
      x = end;
    }
  }
  return path;
}

}  // namespace

Result<std::string> qr_svg(std::string_view text, std::string_view title) {
  try {
    std::string terminated(text);
    const auto code =
        qrcodegen::QrCode::encodeText(terminated.c_str(), qrcodegen::QrCode::Ecc::MEDIUM);
    wipe_string(terminated);  // a key URI holds a secret
    const std::string side = std::to_string(code.getSize() + 2 * kQuietZone);
    // Colours are attributes, not style, and the light ground is drawn: a dark theme would
    // otherwise make the code unreadable.
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
           "\" role=\"img\" shape-rendering=\"crispEdges\"><title>" + xml_escape(title) +
           "</title><rect width=\"" + side + "\" height=\"" + side +
           "\" fill=\"#ffffff\"/><path fill=\"#000000\" d=\"" + dark_modules(code) + "\"/></svg>";
  } catch (const qrcodegen::data_too_long&) {
    return fail(Code::kTooLarge, "text does not fit a QR code");
  }
}

}  // namespace deployclaw::crypto

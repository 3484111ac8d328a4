#include "scrub/form.hpp"

namespace deployclaw::scrub {

std::string to_string(Form form) {
  std::string text = "literal";
  if (form.coding == Coding::kHex) text = "hex";
  if (form.coding == Coding::kBase64) text = "base64";
  if (form.percent) text += "+percent";
  if (form.json) text += "+json";
  if (form.html) text += "+html";
  return text;
}

}  // namespace deployclaw::scrub

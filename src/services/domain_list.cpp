#include "services/domain_list.hpp"

#include <algorithm>
#include <charconv>

namespace deployclaw::services {
namespace {

constexpr std::string_view kPrefix = "domain:";
constexpr std::string_view kBelow = "*.";
constexpr char kEnd = '\n';  // in no name

// Names that end alike stand together.
bool less_from_behind(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

}  // namespace

DomainList::DomainList(std::span<const domain::AllowedDomain> entries) {
  std::size_t size = 0;
  for (const auto& entry : entries) size += kPrefix.size() + entry.to_string().size() + 1;
  text_.reserve(size);
  offsets_.reserve(entries.size());
  for (const auto& entry : entries) {
    offsets_.push_back(static_cast<std::uint32_t>(text_.size()));
    text_.append(kPrefix).append(entry.to_string()).push_back(kEnd);
  }
  std::ranges::sort(offsets_, less_from_behind,
                    [this](std::uint32_t offset) { return name_at(offset); });
}

DomainList::Entry DomainList::entry_at(std::uint32_t offset) const {
  const auto rest = std::string_view(text_).substr(offset);
  Entry entry;
  entry.id = rest.substr(0, rest.find(kEnd));
  entry.pattern = entry.id.substr(kPrefix.size());
  const auto colon = entry.pattern.find(':');
  if (colon == std::string_view::npos) return entry;
  const auto digits = entry.pattern.substr(colon + 1);
  entry.port.emplace();
  std::from_chars(digits.data(), digits.data() + digits.size(), *entry.port);
  entry.pattern = entry.pattern.substr(0, colon);
  return entry;
}

// The pattern without its wildcard.
std::string_view DomainList::name_at(std::uint32_t offset) const {
  auto name = entry_at(offset).pattern;
  if (name.starts_with(kBelow)) name.remove_prefix(kBelow.size());
  return name;
}

// Goes through the endings of `host`, label by label from the right, and keeps the entries that end
// so: mostly none are left long before a long host's last label.
template <class Fits>
std::optional<DomainList::Entry> DomainList::first(std::string_view host, Fits fits) const {
  const auto name = [this](std::uint32_t offset) { return name_at(offset); };
  std::span<const std::uint32_t> left = offsets_;
  std::uint32_t best = UINT32_MAX;
  for (auto dot = host.rfind('.'); !left.empty(); dot = host.rfind('.', dot - 1)) {
    const bool whole = dot == std::string_view::npos;
    const auto ending = whole ? host : host.substr(dot + 1);
    const auto cut = [&](std::uint32_t offset) {
      const auto all = name(offset);
      return all.substr(all.size() - std::min(all.size(), ending.size()));
    };
    const auto same = std::ranges::equal_range(left, ending, less_from_behind, cut);
    left = {same.begin(), same.end()};
    // The shortest come first: those that are no longer than the ending are it.
    for (const auto offset : left) {
      const auto entry = entry_at(offset);
      const bool below = entry.pattern.starts_with(kBelow);
      if (entry.pattern.size() != ending.size() + (below ? kBelow.size() : 0)) break;
      // "*.example.com" is not example.com itself, and nothing has an empty first label.
      if (below != whole && (whole || host.front() != '.') && fits(entry)) {
        best = std::min(best, offset);
      }
    }
    if (whole || dot == 0) break;
  }
  if (best == UINT32_MAX) return std::nullopt;
  return entry_at(best);
}

std::optional<DomainList::Entry> DomainList::find(std::string_view host, std::uint16_t port) const {
  return first(host, [port](const Entry& entry) {
    return entry.port ? *entry.port == port : port == 80 || port == 443;
  });
}

std::optional<DomainList::Entry> DomainList::find_on_any_port(std::string_view host) const {
  return first(host, [](const Entry&) { return true; });
}

std::optional<DomainList::Entry> DomainList::find_portless(std::string_view host) const {
  return first(host, [](const Entry& entry) { return !entry.port; });
}

std::size_t DomainList::memory() const {
  return text_.capacity() + offsets_.capacity() * sizeof(std::uint32_t);
}

}  // namespace deployclaw::services

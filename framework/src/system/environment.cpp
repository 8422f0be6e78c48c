#include "system/environment.hpp"

#include <charconv>
#include <cstdlib>
#include <system_error>

namespace procession::detail {

std::optional<int> parseNatural(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

std::optional<int> parsePositive(std::string_view text) {
  const auto number = parseNatural(text);
  return number && *number > 0 ? number : std::nullopt;
}

std::optional<int> naturalVariable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : parseNatural(value);
}

std::optional<int> positiveVariable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : parsePositive(value);
}

}  // namespace procession::detail

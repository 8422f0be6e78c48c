#include "system/environment.hpp"

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace procession::detail {

namespace {

/// ASCII alone: the locale must not change what a variable means.
std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') {
      letter = static_cast<char>(letter - 'A' + 'a');
    }
  }
  return result;
}

std::string listed(std::initializer_list<std::string_view> choices) {
  std::string text;
  std::size_t left = choices.size();
  for (std::string_view choice : choices) {
    --left;
    text += choice;
    text += left > 1 ? ", " : left == 1 ? " or " : "";
  }
  return text;
}

}  // namespace

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

std::optional<std::string> readVariable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> readInteger(const char* name, std::int64_t least, std::int64_t most) {
  const std::optional<std::string> value = readVariable(name);
  if (!value) {
    return std::nullopt;
  }
  std::int64_t number = 0;
  const char* end = value->data() + value->size();
  const auto [stopped, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc() || stopped != end || number < least || number > most) {
    throwBadVariable(
        name, *value,
        "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

std::optional<std::size_t> readChoice(const char* name,
                                      std::initializer_list<std::string_view> choices) {
  const std::optional<std::string> value = readVariable(name);
  if (!value) {
    return std::nullopt;
  }
  const std::string wanted = lowered(*value);
  std::size_t position = 0;
  for (std::string_view choice : choices) {
    if (wanted == choice) {
      return position;
    }
    ++position;
  }
  throwBadVariable(name, *value, listed(choices));
}

std::optional<bool> readSwitch(const char* name) {
  const auto position = readChoice(name, {"on", "off", "yes", "no", "true", "false", "1", "0"});
  return position ? std::optional(*position % 2 == 0) : std::nullopt;
}

void throwBadVariable(std::string_view name, std::string_view value, std::string_view allowed) {
  throw std::invalid_argument(std::string(name) + " is '" + std::string(value) + "'; it must be " +
                              std::string(allowed));
}

}  // namespace procession::detail

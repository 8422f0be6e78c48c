#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace procession::detail {

/// The number that all of `text` is, in decimal, from 1 (parsePositive) or 0 (parseNatural) up;
/// empty for anything else.
std::optional<int> parsePositive(std::string_view text);
std::optional<int> parseNatural(std::string_view text);

/// The same of an environment variable that others set: a launcher, a batch system. Unset or no
/// such number: empty.
std::optional<int> positiveVariable(const char* name);
std::optional<int> naturalVariable(const char* name);

// Procession's own variables. Not set, or empty: nothing. A value that is not allowed is a
// std::invalid_argument: "PROCESSION_LOG is 'loud'; it must be error, warn, info or debug".

std::optional<std::string> readVariable(const char* name);

/// A whole decimal number in [least, most].
std::optional<std::int64_t> readInteger(const char* name, std::int64_t least, std::int64_t most);

/// The position of the value among `choices`; letters may be of either case.
std::optional<std::size_t> readChoice(const char* name,
                                      std::initializer_list<std::string_view> choices);

/// on, yes, true, 1 or off, no, false, 0.
std::optional<bool> readSwitch(const char* name);

/// For variables with a syntax of their own; `allowed` ends the sentence "it must be ...".
[[noreturn]] void throwBadVariable(std::string_view name, std::string_view value,
                                   std::string_view allowed);

}  // namespace procession::detail

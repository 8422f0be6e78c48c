#pragma once

#include <optional>
#include <string_view>

namespace procession::detail {

/// The number that all of `text` is, in decimal, from 1 (parsePositive) or 0 (parseNatural) up;
/// empty for anything else.
std::optional<int> parsePositive(std::string_view text);
std::optional<int> parseNatural(std::string_view text);

/// The same of an environment variable that others set: a launcher, a batch system. Unset or no
/// such number: empty. (Procession's own variables are read by those who can say what is wrong with
/// them.)
std::optional<int> positiveVariable(const char* name);
std::optional<int> naturalVariable(const char* name);

}  // namespace procession::detail

#pragma once

#include <optional>
#include <string>

namespace procession::detail {

/// What to tell a user whose launcher bound the ranks of this node so narrowly that most of it
/// stays idle: `used` is how many of its cores they may use together. Empty when that is half of
/// those that the job has here, or more.
std::optional<std::string> describeNarrowBinding(int used);

}  // namespace procession::detail

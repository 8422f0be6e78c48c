#pragma once

#include <string>

namespace procession::detail {

/// The name of this host, for messages; asked for once.
const std::string& hostName();

}  // namespace procession::detail

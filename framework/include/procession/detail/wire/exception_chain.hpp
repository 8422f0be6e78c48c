#pragma once

#include <exception>
#include <string>
#include <typeinfo>
#include <vector>

#include "procession/detail/wire/payload.hpp"
#include "procession/error.hpp"

namespace procession::detail {

/// "std::runtime_error" for its type_info.
std::string demangle(const std::type_info& type);

/// The exception and those nested in it (std::nested_exception), outermost first; never empty,
/// never throws for odd exceptions (not std, what() is null).
std::vector<ExceptionInfo> describeException(const std::exception_ptr& exception);

void encodeChain(PayloadWriter& writer, const std::vector<ExceptionInfo>& chain);
std::vector<ExceptionInfo> decodeChain(PayloadReader& reader);

}  // namespace procession::detail

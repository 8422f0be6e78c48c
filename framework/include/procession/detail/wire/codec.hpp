#pragma once

#include "procession/detail/wire/payload.hpp"
#include "procession/serializable.hpp"

// Values to bytes and back. Raw bytes where the type allows it, lengths and bytes for strings and vectors of raw
// elements, a Boost binary archive for everything else.
//
//   template <Serializable Value> void encode(PayloadWriter& writer, const Value& value);
//   template <Serializable Value> Value decode(PayloadReader& reader);          throws PayloadError

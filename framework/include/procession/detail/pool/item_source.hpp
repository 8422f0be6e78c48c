#pragma once

#include <concepts>
#include <cstdint>
#include <memory>

#include "procession/detail/wire/payload.hpp"
#include "procession/serializable.hpp"

namespace procession::detail {

/// Items that are not in the parent's memory: workers open the source and read their own part of
/// it.
///
///   Source::Item                                 what callbacks get
///   source.size()                                how many
///   source.describe(writer)                      in the parent: what a worker needs to open it
///   Source::open(reader) -> unique_ptr<Reader>   in the worker, after the fork
///   reader.read(first, count) -> const Item*     valid until the next read; buffered, for steps of
///   one item forward
template <class Source>
concept ItemSource = requires(const Source& source, PayloadWriter& writer, PayloadReader& reader,
                              std::uint64_t number) {
  typename Source::Item;
  requires Serializable<typename Source::Item>;
  { source.size() } -> std::convertible_to<std::uint64_t>;
  source.describe(writer);
  {
    Source::open(reader)->read(number, number)
  } -> std::convertible_to<const typename Source::Item*>;
};

}  // namespace procession::detail

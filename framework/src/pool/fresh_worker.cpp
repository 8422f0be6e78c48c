#include "procession/detail/pool/fresh_worker.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"

namespace procession::detail {

std::optional<std::size_t> findState(ByteView given, const NewBytes& fresh) {
  constexpr std::size_t kWord = sizeof(std::uintptr_t);
  for (std::size_t word = 0; word < given.size(); word += kWord) {
    const std::size_t end = std::min(word + kWord, given.size());
    if (!std::ranges::equal(fresh.zeroed.subspan(word, end - word),
                            fresh.zeroedToo.subspan(word, end - word))) {
      continue;
    }
    for (std::size_t i = word; i < end; ++i) {
      const bool isMade = fresh.zeroed[i] == fresh.ones[i];
      if (isMade && given[i] != fresh.zeroed[i]) {
        return i;
      }
    }
  }
  return std::nullopt;
}

void throwStateIsLost(const std::type_info& type, std::size_t offset) {
  throw PortabilityError(
      "the worker given to process holds data (at byte " + std::to_string(offset) +
      ") that a new one does not, and its class " + demangle(type) +
      " has no `serialize` member: in the workers it would be made anew, without the data. Add to "
      "the class: template <class Archive> void serialize(Archive& archive, unsigned) { archive & "
      "member_; } for each member that is to be carried; with an empty body none is");
}

}  // namespace procession::detail

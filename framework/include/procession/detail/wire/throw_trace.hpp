#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace procession::detail {

/// Calls `function(argument)`. When an exception is about to leave it, the calls that led to its
/// throw are noted before the stack is unwound. Exceptions that are caught inside cost nothing more
/// than ever, nor do calls that throw none.
///
/// Where the platform does not tell, the same without a note.
void callNotingThrows(void (*function)(void*), void* argument);

/// The calls that led to the throw noted last in this thread, innermost first, a line each: "name
/// (object+0x1a2b)", where names are known of what an object exports, and `addr2line -e object
/// 0x1a2b` tells the line. Empty when nothing was noted. Forgets the note.
[[nodiscard]] std::vector<std::string> takeThrowTrace();

/// callNotingThrows for anything that can be called.
template <class Function>
void notingThrows(Function&& function) {
  callNotingThrows(
      [](void* it) { std::invoke(*static_cast<std::remove_reference_t<Function>*>(it)); },
      &function);
}

}  // namespace procession::detail

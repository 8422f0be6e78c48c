#include "procession/detail/wire/throw_trace.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

// The unwinder looks for a handler first, frame by frame, and unwinds only when it has found one.
// It asks the personality routine of each frame on its way; so a frame with a routine of its own
// hears of exactly those exceptions that nobody inside of it catches, while all calls are still
// there. No function of the C++ runtime is replaced for it, and it works in static and shared
// libraries, and under sanitizers, alike.
//
// Source of the phases: Itanium C++ ABI, Exception Handling, level I,
// https://itanium-cxx-abi.github.io/cxx-abi/abi-eh.html

namespace {

struct Note {
  std::array<void*, 64> calls{};
  int count = 0;
};
thread_local Note note;

}  // namespace

extern "C" {
[[gnu::used]] _Unwind_Reason_Code processionNoteThrow(int /*version*/, _Unwind_Action actions,
                                                      std::uint64_t /*kind*/,
                                                      _Unwind_Exception* /*what*/,
                                                      _Unwind_Context* context) {
  if ((actions & _UA_SEARCH_PHASE) != 0) {
    note.count = backtrace(note.calls.data(), static_cast<int>(note.calls.size()));
    // What led to the frame that notes is of no interest.
    void* const here = reinterpret_cast<void*>(_Unwind_GetIP(context));
    const auto end = note.calls.begin() + note.count;
    note.count = static_cast<int>(std::find(note.calls.begin(), end, here) - note.calls.begin());
  }
  return _URC_CONTINUE_UNWIND;
}
void processionCallNotingThrows(void (*function)(void*), void* argument);
}

// 0x9b: the routine's address is found at a place given relative to this one.
asm(R"(
  .pushsection .text
  .globl processionCallNotingThrows
  .hidden processionCallNotingThrows
  .type processionCallNotingThrows, @function
processionCallNotingThrows:
  .cfi_startproc
  .cfi_personality 0x9b, .LprocessionNoteThrow
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq %rdi, %rax
  movq %rsi, %rdi
  callq *%rax
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .size processionCallNotingThrows, .-processionCallNotingThrows
  .popsection
  .pushsection .data.rel.local,"aw",@progbits
  .align 8
.LprocessionNoteThrow:
  .quad processionNoteThrow
  .popsection
)");

namespace procession::detail {

namespace {

/// The frames of the runtime between the throw and the routine above; all of them are kept where
/// their names are not known.
bool isThrow(const Dl_info& info) {
  const std::string_view name = info.dli_sname == nullptr ? "" : info.dli_sname;
  return name == "__cxa_throw" || name == "__cxa_rethrow" ||
         name == "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE";
}

std::string describe(const Dl_info& info, const void* call) {
  std::string text;
  if (info.dli_sname != nullptr) {
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, nullptr), std::free);
    text = name != nullptr ? name.get() : info.dli_sname;
  }
  const std::string_view path = info.dli_fname == nullptr ? "?" : info.dli_fname;
  const auto offset = static_cast<const char*>(call) - static_cast<const char*>(info.dli_fbase);
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "+0x%lx", static_cast<unsigned long>(offset));
  const std::string place = std::string(path.substr(path.rfind('/') + 1)) + digits.data();
  return text.empty() ? place : text + " (" + place + ")";
}

}  // namespace

void callNotingThrows(void (*function)(void*), void* argument) {
  note.count = 0;
  processionCallNotingThrows(function, argument);
}

std::vector<std::string> takeThrowTrace() {
  std::vector<std::string> trace;
  for (int i = 0; i < note.count; ++i) {
    // Addresses are those to return to; the call is in front of them.
    const void* const call = static_cast<const char*>(note.calls[static_cast<std::size_t>(i)]) - 1;
    Dl_info info{};
    if (dladdr(call, &info) != 0 && isThrow(info)) {
      trace.clear();
    } else {
      trace.push_back(describe(info, call));
    }
  }
  note.count = 0;
  return trace;
}

}  // namespace procession::detail

#else

namespace procession::detail {

void callNotingThrows(void (*function)(void*), void* argument) { function(argument); }
std::vector<std::string> takeThrowTrace() { return {}; }

}  // namespace procession::detail

#endif

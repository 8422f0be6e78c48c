#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "procession/detail/wire/callback_codec.hpp"

// Callbacks: the place of their code, and what is bound to them. None is called: code that is there
// may be the address of any function, and bytes alone do not tell whose.

namespace {

using namespace procession::detail;  // NOLINT: a program of one function

using Function = int (*)(const std::string&, const std::vector<int>&, int);

struct Closure {
  double factor;
  double operator()(double item) const { return factor * item; }
};

template <class Callback>
void read(PayloadReader& reader) {
  static_cast<void>(decodeCallback<Callback>(reader));
  reader.expectEnd();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  const unsigned choice = input.takeByte() % 4u;
  procession::test::mayBeMalformed([&] {
    PayloadReader reader(input.rest());
    if (choice == 0) {
      read<Function>(reader);
    } else if (choice == 1) {
      read<procession::BoundFront<Function, std::string, std::vector<int>>>(reader);
    } else if (choice == 2) {
      read<Closure>(reader);
    } else {
      read<procession::AsBytes<Closure>>(reader);
    }
  });
  return 0;
}

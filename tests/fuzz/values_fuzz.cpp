#include <complex>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "procession/detail/wire/codec.hpp"
#include "wire/wire_test_types.hpp"

// Values of all the kinds that are carried; but classes that are carried as their bytes, and have
// values that not all bytes are (an optional of a number), are what their bytes say.

namespace {

using namespace procession::detail;  // NOLINT: a program of one function
using procession::test::Account;
using procession::test::Named;
using procession::test::Point;
using procession::test::Route;

enum class Colour : std::uint8_t { Red, Green };

template <class Value>
void read(PayloadReader& reader) {
  const auto value = decode<Value>(reader);
  HeapPayload again;
  encode(again, value);  // looks at all of it
}

template <class... Values>
void readOneOf(std::size_t choice, PayloadReader& reader) {
  constexpr std::array<void (*)(PayloadReader&), sizeof...(Values)> kReaders = {&read<Values>...};
  kReaders[choice % kReaders.size()](reader);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  const std::size_t choice = input.takeByte();
  procession::test::mayBeMalformed([&] {
    PayloadReader reader(input.rest());
    readOneOf<bool, int, double, Colour, Point, std::string, std::u16string, std::vector<int>,
              std::vector<Point>, std::vector<bool>, std::vector<std::string>, std::deque<int>,
              std::list<std::string>, std::set<int>, std::map<std::string, std::vector<int>>,
              std::unordered_map<int, std::string>, std::pair<int, std::string>,
              std::tuple<int, std::string, std::vector<double>>,
              std::variant<std::monostate, int, std::string>, std::optional<std::string>,
              std::unique_ptr<int>, std::shared_ptr<std::string>, std::complex<double>,
              std::array<std::string, 3>, Account, Route, Named,
              std::vector<std::vector<std::vector<char>>>>(choice, reader);
    reader.expectEnd();
  });
  return 0;
}

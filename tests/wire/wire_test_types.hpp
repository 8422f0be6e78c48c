#pragma once

#include <boost/serialization/access.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "procession/detail/wire/codec.hpp"

namespace procession::test {

struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

/// Sent raw, although it cannot be made without values.
class Kelvin {
 public:
  explicit Kelvin(double degrees) : degrees_(degrees) {}
  friend bool operator==(const Kelvin&, const Kelvin&) = default;

 private:
  double degrees_;
};

/// With a serialize member that only Boost may call.
class Account {
 public:
  Account() = default;
  Account(std::string owner, std::int64_t cents) : owner_(std::move(owner)), cents_(cents) {}
  friend auto operator<=>(const Account&, const Account&) = default;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& owner_& cents_;
  }

  std::string owner_;
  std::int64_t cents_ = 0;
};

/// With a free serialize, found by the namespace.
struct Route {
  std::vector<std::string> stops;
  std::map<std::string, int> fares;
  friend bool operator==(const Route&, const Route&) = default;
};
template <class Archive>
void serialize(Archive& archive, Route& route, unsigned) {
  archive& route.stops& route.fares;
}

/// Without a default constructor: Boost asks load_construct_data for one to load into.
struct Named {
  explicit Named(std::string given) : name(std::move(given)) {}
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name;
  }
  friend bool operator==(const Named&, const Named&) = default;

  std::string name;
};
template <class Archive>
void load_construct_data(Archive&, Named* named, unsigned) {
  ::new (named) Named("");
}

struct TreeNode {
  int value = 0;
  std::shared_ptr<TreeNode> left;
  std::shared_ptr<TreeNode> right;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value& left& right;
  }
};

template <class Value>
std::vector<std::byte> bytesOfEncoded(const Value& value) {
  detail::HeapPayload payload;
  detail::encode(payload, value);
  return {payload.view().begin(), payload.view().end()};
}

/// The one value that the bytes hold.
template <class Value>
Value decodeAll(detail::ByteView bytes) {
  detail::PayloadReader reader(bytes);
  Value value = detail::decode<Value>(reader);
  reader.expectEnd();
  return value;
}

template <class Value>
Value roundTrip(const Value& value) {
  return decodeAll<Value>(bytesOfEncoded(value));
}

}  // namespace procession::test

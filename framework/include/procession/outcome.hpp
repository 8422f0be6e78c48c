#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "procession/error.hpp"

namespace procession {

/// How it came to an outcome.
struct OutcomeDetails {
  int attempts = 0;                      // 0: never begun
  std::chrono::nanoseconds duration{0};  // of the last attempt
  std::string host;                      // of the last attempt
};

namespace detail {

/// What was thrown, kept to be thrown again with its own type. Made once and copied where many
/// outcomes share it: it is thrown to find out what it is.
class Failure {
 public:
  Failure() = default;
  /// Null: none. Throws std::invalid_argument for anything but an Error.
  explicit Failure(std::exception_ptr thrown);

  explicit operator bool() const { return error_ != nullptr; }
  [[noreturn]] void rethrow() const { std::rethrow_exception(thrown_); }
  /// Throws std::logic_error when there is none.
  [[nodiscard]] const Error& get() const;

 private:
  std::exception_ptr thrown_;
  const Error* error_ = nullptr;  // the object in thrown_
};

/// What outcomes have in common: the failure, if there is one, and the details.
class OutcomeBase {
 public:
  /// Whether it holds a value.
  explicit operator bool() const { return !failure_; }
  /// What went wrong. Throws std::logic_error when nothing did.
  [[nodiscard]] const Error& error() const { return failure_.get(); }
  /// How often it was tried; 0 when it was never begun.
  [[nodiscard]] int getAttempts() const { return details_.attempts; }
  /// How long the last attempt took.
  [[nodiscard]] std::chrono::nanoseconds getDuration() const { return details_.duration; }
  /// The host of the last attempt.
  [[nodiscard]] const std::string& getHost() const { return details_.host; }

 protected:
  explicit OutcomeBase(OutcomeDetails details) : details_(std::move(details)) {}
  OutcomeBase(Failure failure, OutcomeDetails details)
      : failure_(std::move(failure)), details_(std::move(details)) {}
  OutcomeBase(std::exception_ptr failure, OutcomeDetails details)
      : OutcomeBase(Failure(std::move(failure)), std::move(details)) {}

  void throwFailure() const {
    if (failure_) {
      failure_.rethrow();
    }
  }

 private:
  Failure failure_;
  OutcomeDetails details_;
};

}  // namespace detail

/// A value, or the error that came in its place.
///
///     for (const Outcome<double>& outcome : pool.mapSettled(items, f)) {
///       if (outcome) sum += *outcome;
///       else std::cerr << outcome.getAttempts() << " attempts: " << outcome.error().what() <<
///       '\n';
///     }
template <class Value>
class Outcome : public detail::OutcomeBase {
 public:
  Outcome(Value value, OutcomeDetails details)
      : OutcomeBase(std::move(details)), value_(std::move(value)) {}
  Outcome(std::exception_ptr failure, OutcomeDetails details)
      : OutcomeBase(std::move(failure), std::move(details)) {}
  Outcome(detail::Failure failure, OutcomeDetails details)
      : OutcomeBase(std::move(failure), std::move(details)) {}

  /// The value; throws what happened instead when there is none.
  [[nodiscard]] const Value& value() const& {
    throwFailure();
    return *value_;
  }
  [[nodiscard]] Value& value() & {
    throwFailure();
    return *value_;
  }
  [[nodiscard]] Value value() && {
    throwFailure();
    return *std::move(value_);
  }
  [[nodiscard]] const Value& operator*() const& { return value(); }
  [[nodiscard]] Value& operator*() & { return value(); }
  [[nodiscard]] Value operator*() && { return std::move(*this).value(); }
  [[nodiscard]] const Value* operator->() const { return &value(); }
  /// The value, or `other` when there is none.
  [[nodiscard]] Value valueOr(Value other) const& { return *this ? *value_ : std::move(other); }

 private:
  std::optional<Value> value_;
};

/// Of work without a result: whether it was done.
template <>
class Outcome<void> : public detail::OutcomeBase {
 public:
  explicit Outcome(OutcomeDetails details) : OutcomeBase(std::move(details)) {}
  Outcome(std::exception_ptr failure, OutcomeDetails details)
      : OutcomeBase(std::move(failure), std::move(details)) {}
  Outcome(detail::Failure failure, OutcomeDetails details)
      : OutcomeBase(std::move(failure), std::move(details)) {}

  /// Throws what happened when it was not done.
  void value() const { throwFailure(); }
  void operator*() const { value(); }
};

}  // namespace procession

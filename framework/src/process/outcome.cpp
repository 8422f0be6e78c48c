#include "procession/outcome.hpp"

#include "procession/detail/wire/exception_chain.hpp"
#include "procession/task_outcome.hpp"

namespace procession {

namespace detail {

Failure::Failure(std::exception_ptr thrown) : thrown_(std::move(thrown)) {
  if (thrown_ == nullptr) {
    return;
  }
  try {
    std::rethrow_exception(thrown_);
  } catch (const Error& error) {
    error_ = &error;  // lives as long as thrown_
  } catch (...) {
    throw std::invalid_argument("an outcome holds a procession::Error or a value, nothing else");
  }
}

const Error& Failure::get() const {
  if (error_ == nullptr) {
    throw std::logic_error("error() of an outcome that holds a value");
  }
  return *error_;
}

void requireType(const TaskEnd& end, const std::type_info& wanted) {
  if (*end.type != wanted) {
    throw PayloadError("the task returns " + demangle(*end.type) + ", not " + demangle(wanted));
  }
}

}  // namespace detail

TaskOutcome::TaskOutcome(std::shared_ptr<const detail::TaskEnd> end)
    : OutcomeBase(end->error, end->details), end_(std::move(end)) {}

}  // namespace procession

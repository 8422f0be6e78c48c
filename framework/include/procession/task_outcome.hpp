#pragma once

#include <memory>
#include <type_traits>

#include "procession/detail/process/task.hpp"
#include "procession/detail/process/task_end.hpp"
#include "procession/outcome.hpp"

namespace procession {

/// What became of one task of a ProcessManager, whose tasks may differ in the type of their
/// results: an Outcome that is asked for the type.
///
///     for (const TaskOutcome& outcome : manager.run()) {
///       if (outcome) std::cout << outcome.get<double>() << '\n';
///       else std::cerr << outcome.error().what() << '\n';
///     }
///
/// Copies share the result, which stays in its encoded form; each get() decodes it anew.
class TaskOutcome : public detail::OutcomeBase {
 public:
  explicit TaskOutcome(std::shared_ptr<const detail::TaskEnd> end);

  /// The result. Throws what happened after a failure, PayloadError when the task returns another
  /// type than Result.
  template <class Result>
  Result get() const {
    detail::requireType(*end_, typeid(Result));
    throwFailure();
    return detail::decodeResult<Result>(end_->result->view());
  }

  /// How the process of the last attempt ended.
  [[nodiscard]] const ProcessStatus& getStatus() const { return end_->status; }

 private:
  std::shared_ptr<const detail::TaskEnd> end_;
};

}  // namespace procession

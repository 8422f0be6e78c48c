#pragma once

#include <exception>

#include "procession/error.hpp"

namespace procession {

/// Work that needs more than a function: set-up once per process, a job at a time, and a way to
/// answer for jobs that failed. For ProcessPool::process.
///
///     class Resize : public WorkerInterface<Image, Image> {
///       // Once in each process, not once per image.
///       void initialize() override { model_ = loadModel(); }
///       Image process(const Image& image) override { return model_.resize(image); }
///       void shutdown() override { model_.close(); }
///       Image handleError(const Error&, const Image& image) override { return image; }
///     };
///
/// There is one instance in each worker process; what it keeps in members stays there.
template <class Job, class Result>
class WorkerInterface {
 public:
  virtual ~WorkerInterface() = default;

  /// Before the first job of this process.
  virtual void initialize() {}
  virtual Result process(const Job& job) = 0;
  /// After the last job of this process; not when the process was killed.
  virtual void shutdown() {}
  /// In the parent, for a job that failed for good: the result to put in its place. The error is
  /// being handled meanwhile, so that `throw;` passes it on, as the default does.
  virtual Result handleError(const Error& error, const Job& /*job*/) {
    if (std::current_exception() != nullptr) {
      throw;
    }
    throw error;
  }
};

}  // namespace procession

#pragma once

#include <exception>

#include "procession/error.hpp"

namespace procession {

/// Work that needs more than a function: set-up once per process, a job at a time, and a way to
/// answer for jobs that failed. For ProcessPool::process.
///
///     class Resize : public WorkerInterface<Image, Image> {
///      public:
///       explicit Resize(int width = 0) : width_(width) {}
///       // Once in each process, not once per image.
///       void initialize() override { model_ = loadModel(); }
///       Image process(const Image& image) override { return model_.resize(image, width_); }
///       void shutdown() override { model_.close(); }
///       Image handleError(const Error&, const Image& image) override { return image; }
///
///       template <class Archive>
///       void serialize(Archive& archive, unsigned) { archive & width_; }
///
///      private:
///       int width_;
///       Model model_;
///     };
///
/// There is one instance in each process that gets jobs, and for each call of ProcessPool::process:
/// a copy of the one that was given, made by its `serialize` member (which leaves out what
/// initialize() makes). A worker class without that member is made by its default constructor
/// instead; so that nothing is lost, ProcessPool::process then throws a PortabilityError for an
/// object that was told anything. (It is compared, byte by byte, with new ones, which are made in
/// the parent. An empty `serialize` member says that nothing is to be carried, and spares that.)
/// What an instance keeps in members stays in its process.
///
/// A process that dies is replaced, and its replacement has an instance of its own.
template <class Job, class Result>
class WorkerInterface {
 public:
  virtual ~WorkerInterface() = default;

  /// Before the first job of this process. When it throws, the operation ends with a TaskError that
  /// names no item, and shutdown() is not called in this process.
  virtual void initialize() {}
  virtual Result process(const Job& job) = 0;
  /// After the last job of this process, however the operation ended; not when the process was
  /// killed. It has been called in all processes when ProcessPool::process returns or throws. What
  /// it throws is logged: all results are there already.
  virtual void shutdown() {}
  /// In the parent, on the object given to ProcessPool::process, for a job that failed for good:
  /// process() threw, its process died, or it took too long, each time it was tried. Returns the
  /// result to put in its place; what it throws ends the operation. The error (TaskError,
  /// WorkerLost, TaskTimeout) is being handled meanwhile, so that `throw;` passes it on, as the
  /// default does.
  virtual Result handleError(const Error& error, const Job& /*job*/) {
    if (std::current_exception() != nullptr) {
      throw;
    }
    throw error;
  }
};

}  // namespace procession

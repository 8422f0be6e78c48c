#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <thread>

#include "system/file_descriptor.hpp"

namespace procession::test {

/// Does to workers, from outside, what they ask for, by a named pipe: a thread of the test.
class Outsider {
 public:
  enum class Deed : std::int32_t { Leave, Kill, StopForAWhile };

  explicit Outsider(const std::string& folder);
  Outsider(const Outsider&) = delete;
  Outsider& operator=(const Outsider&) = delete;
  ~Outsider();

  /// In a callback. It may take a moment until it happens.
  static void ask(const std::string& folder, Deed deed);

 private:
  struct Request {
    pid_t pid = 0;
    Deed deed = Deed::Leave;
  };

  void serve() const;

  std::string pipe_;
  detail::FileDescriptor requests_;
  std::thread thread_;
};

}  // namespace procession::test

#pragma once

#include <optional>

#include "backend/local_agent.hpp"

namespace procession::test {

/// The parent's own agent has no worker.
class NoAgent final : public detail::LocalAgent {
 public:
  void handle(detail::RankMessage) override {}
  bool step(detail::Time, int, const TakeResults&) override { return false; }
  [[nodiscard]] bool areWorkersBusy() const override { return true; }
  [[nodiscard]] int taskDescriptor() const override { return -1; }
  std::optional<detail::RankMessage> takeAnswer() override { return std::nullopt; }
};

}  // namespace procession::test

#include "simulation/simulated_ranks.hpp"

#include <cstdlib>
#include <utility>

#include "backend/error_message.hpp"

namespace procession::test {

using detail::HeapPayload;
using detail::RankHeader;
using detail::RankMessage;
using detail::RankMessageKind;

void SimulatedRanks::send(int rank, RankHeader header, std::shared_ptr<const HeapPayload> payload) {
  const auto start = std::chrono::steady_clock::now();
  header.length = payload ? payload->size() : 0;
  ++traffic_.messagesSent;
  traffic_.bytesSent += sizeof header + header.length;
  if (header.kind == RankMessageKind::Run && rank == brokenRank_) {
    RankHeader failed = header;
    failed.kind = RankMessageKind::Failed;
    failed.operation = 0;
    auto error = std::make_shared<HeapPayload>();
    detail::encodeError(*error, error_);
    answer(rank, failed, std::move(error));
  } else if (header.kind == RankMessageKind::Run) {
    RankHeader passedOn = header;
    passedOn.kind = RankMessageKind::PassedOn;
    answer(rank, passedOn, nullptr);
    RankHeader done = header;
    done.kind = RankMessageKind::Done;
    done.nanoseconds = 1'000'000;  // no reason for a chunk of another size
    auto results = std::make_shared<HeapPayload>();
    detail::RunHeader run;
    run.first = header.first;
    run.count = header.count;
    run.length = header.length;
    results->write(&run, sizeof run);
    results->write(payload->view().data(), payload->size());
    answer(rank, done, std::move(results));
  }
  ownTime_ += std::chrono::steady_clock::now() - start;
}

void SimulatedRanks::breakRank(int rank, std::exception_ptr error) {
  brokenRank_ = rank;
  error_ = std::move(error);
}

void SimulatedRanks::answer(int rank, const RankHeader& header,
                            std::shared_ptr<const HeapPayload> payload) {
  answers_.push_back({rank, header, std::move(payload)});
  RankMessage& message = answers_.back();
  message.header.length = message.bytes().size();
  ++traffic_.messagesReceived;
  traffic_.bytesReceived += sizeof header + message.header.length;
}

std::optional<RankMessage> SimulatedRanks::receive() {
  if (answers_.empty()) {
    return std::nullopt;
  }
  RankMessage message = std::move(answers_.front());
  answers_.pop_front();
  return message;
}

void SimulatedRanks::abort(int status) { std::_Exit(status); }

}  // namespace procession::test

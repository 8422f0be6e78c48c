#include "backend/mpi/mpi_ranks.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "backend/fork_server.hpp"
#include "backend/mpi/handshake.hpp"
#include "backend/mpi/mpi_call.hpp"
#include "backend/mpi/node_binding.hpp"
#include "procession/error.hpp"
#include "system/launcher.hpp"
#include "system/log.hpp"

// The core knows of the mpi component by this object alone; programs that link the component ask
// the linker for this name (framework/src/backend/mpi/CMakeLists.txt), so that it is not left out.
extern "C" {
extern const bool processionMpiIsHere;
const bool processionMpiIsHere = [] {
  procession::detail::offerRanks([]() -> std::unique_ptr<procession::detail::Ranks> {
    return std::make_unique<procession::detail::MpiRanks>();
  });
  return true;
}();
}

namespace procession::detail {

namespace {

constexpr int kFrontTag = 1;
constexpr int kPieceTag = 2;
// Behind the header up to here: a message more costs about as much as the copy of so many bytes.
constexpr std::size_t kLargestFrontPayload = std::size_t{16} << 10;
// Transfers that are looked at a time, in turn: with thousands under way, looking at all of them
// for every message would cost more than the messages.
constexpr std::size_t kLooks = 16;
// MPI's counts are int.
constexpr std::size_t kPieceBytes = std::size_t{1} << 30;

bool areDone(std::vector<MPI_Request>& requests) {
  int done = 0;
  checked(
      MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
      "an exchange between ranks");
  return done != 0;
}

/// Memory for the payload that the message's header tells of.
std::byte* makeRoom(RankMessage& message) {
  if (message.header.kind == RankMessageKind::ValueBytes) {
    message.memory = std::make_shared<UnsealedMemory>(message.header.length);
    return message.memory->bytes().data();
  }
  const auto payload = std::make_shared<HeapPayload>();
  message.payload = payload;
  return payload->claim(message.header.length);
}

template <class Handle>
void forEachPiece(std::size_t length, Handle handle) {
  for (std::size_t at = 0; at < length; at += kPieceBytes) {
    handle(at, static_cast<int>(std::min(kPieceBytes, length - at)));
  }
}

}  // namespace

MpiRanks::MpiRanks() {
  int provided = 0;
  checked(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "starting MPI");
  hasThreads_ = provided >= MPI_THREAD_FUNNELED;
  checked(MPI_Comm_dup(MPI_COMM_WORLD, &communicator_), "making a communicator");
  MPI_Comm_rank(communicator_, &rank_);
}

void MpiRanks::meet() {
  if (!hasThreads_) {
    throw MpiError("this MPI library does not let a program have threads (MPI_THREAD_FUNNELED)");
  }
  int size = 1;
  MPI_Comm_size(communicator_, &size);
  const auto launcher = detectLauncher();
  if (launcher && launcher->size && *launcher->size != size) {
    throw MpiError(launcher->name + " started " + std::to_string(*launcher->size) +
                   " ranks, but MPI knows of " + std::to_string(size) +
                   ": the program is linked with another MPI library than the launcher's (with "
                   "srun, check --mpi=pmix or --mpi=pmi2)");
  }
  requireSameMessages(communicator_);
  facts_ = gatherFacts(communicator_);
  requireSameProgram(communicator_, facts_);
  warnOfNarrowBinding(communicator_);
  // Until here a failure ends the job: one rank alone could not tell the others, which wait for it.
  checked(MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN), "setting MPI's error handler");
}

MpiRanks::~MpiRanks() = default;

void MpiRanks::send(int rank, RankHeader header, std::shared_ptr<const HeapPayload> payload) {
  const ByteView bytes = payload ? payload->view() : ByteView{};
  sendInPlace(rank, header, bytes, std::move(payload));
}

void MpiRanks::sendInPlace(int rank, RankHeader header, ByteView bytes,
                           std::shared_ptr<const void> owner) {
  const std::size_t length = bytes.size();
  const bool isInFront = length <= kLargestFrontPayload;
  header.length = length;
  Outgoing& outgoing = outgoing_.emplace_back();
  outgoing.bytes = sizeof header + length;
  outgoing.front.resize(sizeof header + (isInFront ? length : 0));
  std::memcpy(outgoing.front.data(), &header, sizeof header);
  unsentBytes_ += outgoing.bytes;
  ++traffic_.messagesSent;
  traffic_.bytesSent += outgoing.bytes;
  if (isInFront && length > 0) {
    std::memcpy(outgoing.front.data() + sizeof header, bytes.data(), length);
  }
  const auto post = [&](const std::byte* from, int count, int tag) {
    checked(MPI_Isend(from, count, MPI_BYTE, rank, tag, communicator_,
                      &outgoing.requests.emplace_back(MPI_REQUEST_NULL)),
            "sending to another rank");
  };
  post(outgoing.front.data(), static_cast<int>(outgoing.front.size()), kFrontTag);
  if (!isInFront) {
    outgoing.owner = std::move(owner);
    forEachPiece(length,
                 [&](std::size_t at, int count) { post(bytes.data() + at, count, kPieceTag); });
  }
  if (areDone(outgoing.requests)) {
    unsentBytes_ -= outgoing.bytes;
    outgoing_.pop_back();
  }
}

void MpiRanks::progressSends() {
  for (std::size_t left = std::min(kLooks, outgoing_.size()); left > 0; --left) {
    if (nextOutgoing_ == outgoing_.end()) {
      nextOutgoing_ = outgoing_.begin();
    }
    if (areDone(nextOutgoing_->requests)) {
      unsentBytes_ -= nextOutgoing_->bytes;
      nextOutgoing_ = outgoing_.erase(nextOutgoing_);
    } else {
      ++nextOutgoing_;
    }
  }
}

void MpiRanks::progressReceives() {
  for (std::size_t left = std::min(kLooks, incoming_.size()); left > 0; --left) {
    auto sender = incoming_.upper_bound(lastSender_);
    if (sender == incoming_.end()) {
      sender = incoming_.begin();
    }
    lastSender_ = sender->first;
    std::deque<Incoming>& messages = sender->second;
    while (!messages.empty() && areDone(messages.front().requests)) {
      ready_.push_back(std::move(messages.front().message));
      messages.pop_front();
    }
    if (messages.empty()) {
      incoming_.erase(sender);
    }
  }
}

void MpiRanks::probe() {
  while (true) {
    int found = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    checked(MPI_Improbe(MPI_ANY_SOURCE, kFrontTag, communicator_, &found, &message, &status),
            "looking for messages of other ranks");
    if (found == 0) {
      return;
    }
    take(message, status);
  }
}

void MpiRanks::take(MPI_Message message, MPI_Status status) {
  int bytes = 0;
  checked(MPI_Get_count(&status, MPI_BYTE, &bytes), "receiving from another rank");
  std::vector<std::byte> front(static_cast<std::size_t>(bytes));
  checked(MPI_Mrecv(front.data(), bytes, MPI_BYTE, &message, MPI_STATUS_IGNORE),
          "receiving from another rank");
  Incoming incoming;
  RankHeader& header = incoming.message.header;
  incoming.message.rank = status.MPI_SOURCE;
  if (front.size() >= sizeof header) {
    std::memcpy(&header, front.data(), sizeof header);
  }
  const std::size_t behind = front.size() - std::min(front.size(), sizeof header);
  const bool isInFront = header.length <= kLargestFrontPayload;
  if (front.size() < sizeof header || header.magic != RankHeader::kMagic ||
      behind != (isInFront ? header.length : 0)) {
    throw PayloadError("malformed message from rank " + std::to_string(status.MPI_SOURCE) + " on " +
                       hostOf(status.MPI_SOURCE) + ": its header does not fit it");
  }
  ++traffic_.messagesReceived;
  traffic_.bytesReceived += sizeof header + header.length;
  if (header.length > 0) {
    std::byte* target = makeRoom(incoming.message);
    if (isInFront) {
      std::memcpy(target, front.data() + sizeof header, behind);
    } else {
      forEachPiece(header.length, [&](std::size_t at, int count) {
        checked(MPI_Irecv(target + at, count, MPI_BYTE, status.MPI_SOURCE, kPieceTag, communicator_,
                          &incoming.requests.emplace_back(MPI_REQUEST_NULL)),
                "receiving from another rank");
      });
    }
  }
  // Later messages of a rank wait for its earlier ones.
  if (incoming.requests.empty() && !incoming_.contains(status.MPI_SOURCE)) {
    ready_.push_back(std::move(incoming.message));
  } else {
    incoming_[status.MPI_SOURCE].push_back(std::move(incoming));
  }
}

std::optional<RankMessage> MpiRanks::receive() {
  progressSends();
  if (ready_.empty()) {
    probe();
    progressReceives();
  }
  if (ready_.empty()) {
    return std::nullopt;
  }
  RankMessage message = std::move(ready_.front());
  ready_.pop_front();
  return message;
}

void MpiRanks::leave() {
  log(LogLevel::Debug, "rank " + std::to_string(rank_) + ": " + traffic_.describe());
  // Messages that nobody waits for any more are taken in until all ranks have stopped sending:
  // otherwise a large one would keep its sender for ever.
  while (!outgoing_.empty()) {
    static_cast<void>(receive());
    sched_yield();
  }
  MPI_Request everyone = MPI_REQUEST_NULL;
  checked(MPI_Ibarrier(communicator_, &everyone), "leaving the job");
  int isOver = 0;
  while (isOver == 0) {
    static_cast<void>(receive());
    checked(MPI_Test(&everyone, &isOver, MPI_STATUS_IGNORE), "leaving the job");
    sched_yield();
  }
  while (!incoming_.empty() || !ready_.empty()) {
    static_cast<void>(receive());
  }
  checked(MPI_Comm_free(&communicator_), "freeing a communicator");
  checked(MPI_Finalize(), "ending MPI");
}

void MpiRanks::abort(int status) {
  dismissGuardian();  // who ends the job has said why
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);  // where MPI_Abort returns
}

}  // namespace procession::detail

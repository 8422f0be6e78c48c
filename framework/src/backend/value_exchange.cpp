#include "backend/value_exchange.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

struct stat statusOf(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    throw SystemError("cannot look at shared memory", errno);
  }
  return status;
}

RankHeader headerOf(RankMessageKind kind, std::uint64_t id, std::size_t size) {
  RankHeader header;
  header.kind = kind;
  header.first = id;
  header.count = size;
  return header;
}

}  // namespace

ValuePlace placeOf(const SealedMemory& memory) {
  const struct stat status = statusOf(memory.descriptor());
  return {getpid(), memory.descriptor(), status.st_dev, status.st_ino};
}

SealedMemory openPlace(const ValuePlace& place, std::size_t size) {
  // The kernel asks for the right to look into the other process, as for its memory map: the same
  // user has it, and Yama's ptrace_scope, which is about attaching, does not take it away.
  const std::string path =
      "/proc/" + std::to_string(place.pid) + "/fd/" + std::to_string(place.descriptor);
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    throw SystemError("cannot open " + path, errno);
  }
  const struct stat status = statusOf(file.get());
  if (status.st_dev != place.device || status.st_ino != place.inode) {
    throw PayloadError(path + " is another file");
  }
  return {std::move(file), size};
}

void sendPlaces(Ranks& ranks, std::uint64_t id, const SealedMemory& memory) {
  for (int rank = 1; rank < ranks.size(); ++rank) {
    if (rank != ranks.rank() && ranks.leaderOf(rank) == ranks.leaderOf(ranks.rank())) {
      auto payload = std::make_shared<HeapPayload>();
      encode(*payload, placeOf(memory));
      ranks.send(rank, headerOf(RankMessageKind::ValuePlace, id, memory.bytes().size()),
                 std::move(payload));
    }
  }
}

void sendBytes(Ranks& ranks, int rank, std::uint64_t id,
               const std::shared_ptr<const SealedMemory>& memory) {
  ranks.sendInPlace(rank, headerOf(RankMessageKind::ValueBytes, id, memory->bytes().size()),
                    memory->bytes(), memory);
}

void answerWant(Ranks& ranks, const SharedValues& values, const RankMessage& message) {
  const std::uint64_t id = message.header.first;
  if (const auto memory = values.find(id)) {
    sendBytes(ranks, message.rank, id, memory);
  } else {
    ranks.send(message.rank, headerOf(RankMessageKind::NoValue, id, 0));
  }
}

void writePlaces(PayloadWriter& writer, const SharedValues& values) {
  const std::vector<SharedValues::Value> all = values.list();
  writer.writeWord(all.size());
  for (const SharedValues::Value& value : all) {
    const bool isThere = value.memory != nullptr && value.memory->descriptor() >= 0;
    writer.writeWord(value.id);
    writer.writeWord(isThere ? value.memory->bytes().size() : 0);
    encode(writer, isThere ? placeOf(*value.memory) : ValuePlace{});
  }
}

void openPlaces(PayloadReader& reader, SharedValues& values) {
  for (std::uint64_t left = reader.readWord(); left > 0; --left) {
    const std::uint64_t id = reader.readWord();
    const std::uint64_t size = reader.readWord();
    const auto place = decode<ValuePlace>(reader);
    try {
      SealedMemory memory = openPlace(place, size);
      memory.closeDescriptor();
      values.accept(id, std::move(memory));
    } catch (const SystemError& error) {
      values.acceptFailure(id, error.getErrno());  // told to the task that needs it
    } catch (const PayloadError&) {
      values.acceptFailure(id, ESTALE);
    }
  }
}

}  // namespace procession::detail

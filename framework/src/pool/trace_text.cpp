#include "pool/trace_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>

#include "procession/process_status.hpp"

namespace procession::detail {

namespace {

using Type = TraceRecord::Type;

/// The text of one JSON object, field by field.
class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view text) {
    begin(name);
    text_ += '"';
    for (const char letter : text) {
      if (letter == '"' || letter == '\\') {
        text_ += '\\';
      }
      text_ += static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter;
    }
    text_ += '"';
    return *this;
  }
  JsonObject& add(std::string_view name, std::integral auto number) {
    begin(name);
    append(number);
    return *this;
  }
  /// In microseconds, as the format wants it.
  JsonObject& add(std::string_view name, Time time) {
    begin(name);
    const auto nanoseconds = std::max<Time::rep>(0, time.count());
    append(nanoseconds / 1000);
    text_ += '.';
    for (Time::rep part = nanoseconds % 1000, digit = 100; digit > 0; digit /= 10) {
      text_ += static_cast<char>('0' + part / digit % 10);
    }
    return *this;
  }
  JsonObject& add(std::string_view name, JsonObject& object) {
    begin(name);
    text_ += object.take();
    return *this;
  }
  std::string take() {
    text_ += text_.empty() ? "{}" : "}";
    return std::move(text_);
  }

 private:
  void begin(std::string_view name) {
    text_ += text_.empty() ? '{' : ',';
    text_ += '"';
    text_ += name;
    text_ += "\":";
  }
  void append(std::integral auto number) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text_.append(digits.data(), end);
  }

  std::string text_;
};

JsonObject objectOf(const TraceRow& row, std::string_view name, std::string_view category,
                    std::string_view phase, Time since) {
  JsonObject object;
  object.add("name", name)
      .add("cat", category)
      .add("ph", phase)
      .add("ts", since)
      .add("pid", row.rank + 1)
      .add("tid", row.thread);
  return object;
}

/// Where operations do not nest, the id tells which begin and end belong together.
JsonObject operationObject(const TraceRow& row, std::string_view operation, std::string_view phase,
                           std::uint64_t id, bool nests, Time since) {
  JsonObject object = objectOf(row, operation, "operation", phase, since);
  if (!nests) {
    object.add("id", id);
  }
  return object;
}

std::string_view nameOf(Type type, std::string_view operation) {
  switch (type) {
    case Type::Chunk:
      return operation;
    case Type::Threw:
      return "threw";
    case Type::Aborted:
      return "given up";
    case Type::LostChunk:
      return "lost";
    case Type::Wait:
      return "wait";
    case Type::Kill:
      return "killed for its time limit";
    case Type::WorkerLost:
      return "worker lost";
    case Type::Retry:
      return "retry";
    case Type::ItemFailed:
      return "item failed";
    case Type::Recall:
      return "recall";
    case Type::TakenBack:
      return "taken back";
    case Type::Split:
      return "split";
    case Type::Interrupted:
      return "interrupted";
    case Type::Deadline:
      return "deadline";
  }
  return "unknown";
}

std::string_view categoryOf(Type type) {
  switch (type) {
    case Type::Chunk:
      return "chunk";
    case Type::Threw:
    case Type::Aborted:
    case Type::LostChunk:
      return "failed chunk";
    case Type::Wait:
      return "wait";
    case Type::Recall:
    case Type::TakenBack:
    case Type::Split:
      return "balance";
    default:
      return "fault";
  }
}

void addNumber(JsonObject& arguments, const TraceRecord& record) {
  if (record.type == Type::WorkerLost && record.number >= TraceRecord::kExitCode) {
    arguments.add("exit", record.number - TraceRecord::kExitCode);
  } else if (record.type == Type::WorkerLost || record.type == Type::Interrupted) {
    arguments.add("signal", signalName(record.number));
  } else if (categoryOf(record.type) == "balance" && record.process == 0) {
    arguments.add("rank", record.number);
  } else if (record.type == Type::ItemFailed) {
    arguments.add("attempts", record.number);
  }
}

}  // namespace

std::string traceEvent(const TraceRow& row, std::string_view operation, const TraceRecord& record,
                       Time start) {
  // Times may be nonsense: a callback can have written over those of its worker.
  const Time begin = std::max(record.begin, start);
  JsonObject object = objectOf(row, nameOf(record.type, operation), categoryOf(record.type),
                               record.lasts() ? "X" : "i", begin - start);
  if (record.lasts()) {
    object.add("dur", std::max(record.end, begin) - begin);
  } else {
    object.add("s", "t");  // marked in its row, not in all
  }
  JsonObject arguments;
  arguments.add("operation", record.operation);
  if (record.count != 0) {
    arguments.add("first", record.first).add("count", record.count);
  }
  if (record.item != TraceRecord::kNoItem) {
    arguments.add("item", record.item);
  }
  addNumber(arguments, record);
  return object.add("args", arguments).take();
}

std::string traceOperationBegin(const TraceRow& row, std::string_view operation, std::uint64_t id,
                                std::uint64_t items, bool nests, Time since) {
  JsonObject object = operationObject(row, operation, nests ? "B" : "b", id, nests, since);
  JsonObject arguments;
  arguments.add("operation", id).add("items", items);
  return object.add("args", arguments).take();
}

std::string traceOperationEnd(const TraceRow& row, std::string_view operation, std::uint64_t id,
                              std::uint64_t done, std::uint64_t failed, bool nests, Time since) {
  JsonObject object = operationObject(row, operation, nests ? "E" : "e", id, nests, since);
  JsonObject arguments;
  arguments.add("done", done).add("failed", failed);
  return object.add("args", arguments).take();
}

std::string traceRankName(int rank, std::string_view name) {
  JsonObject arguments;
  arguments.add("name", name);
  return JsonObject()
      .add("name", "process_name")
      .add("ph", "M")
      .add("pid", rank + 1)
      .add("args", arguments)
      .take();
}

std::string traceRowName(const TraceRow& row, std::string_view name) {
  JsonObject arguments;
  arguments.add("name", name);
  return JsonObject()
      .add("name", "thread_name")
      .add("ph", "M")
      .add("pid", row.rank + 1)
      .add("tid", row.thread)
      .add("args", arguments)
      .take();
}

}  // namespace procession::detail

#include "backend/error_message.hpp"

#include <sys/wait.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "procession/detail/wire/codec.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

enum class Kind : std::uint64_t {
  Task = 1,
  Lost,
  Timeout,
  Interrupted,
  System,
  Portability,
  Payload
};

void begin(PayloadWriter& writer, Kind kind) { encode(writer, kind); }

/// Not as the bytes of an optional, which not all bytes are.
template <class Number>
void encodeOptional(PayloadWriter& writer, const std::optional<Number>& number) {
  encode(writer, number.has_value());
  encode(writer, number.value_or(0));
}

template <class Number>
std::optional<Number> decodeOptional(PayloadReader& reader) {
  const bool isThere = decode<bool>(reader);
  const auto number = decode<Number>(reader);
  return isThere ? std::optional(number) : std::nullopt;
}

void encodeOrigin(PayloadWriter& writer, const Origin& origin) {
  encodeOptional(writer, origin.item);
  encode(writer, origin.host);
  encodeOptional(writer, origin.rank);
  encode(writer, origin.pid);
}

Origin decodeOrigin(PayloadReader& reader) {
  Origin origin;
  origin.item = decodeOptional<std::uint64_t>(reader);
  origin.host = decode<std::string>(reader);
  origin.rank = decodeOptional<int>(reader);
  origin.pid = decode<pid_t>(reader);
  return origin;
}

/// As waitid(2) tells it.
void encodeStatus(PayloadWriter& writer, const ProcessStatus& status) {
  encode(writer, waitidCode(status));
  encode(writer, status.getSignal().value_or(status.getExitCode().value_or(0)));
}

ProcessStatus decodeStatus(PayloadReader& reader) {
  const int code = decode<int>(reader);
  const int status = decode<int>(reader);
  return code == 0 ? ProcessStatus() : ProcessStatus::fromWaitid(code, status);
}

}  // namespace

int waitidCode(const ProcessStatus& status) {
  if (status.isSignaled()) {
    return status.hasCoreDump() ? CLD_DUMPED : CLD_KILLED;
  }
  return status.isExited() ? CLD_EXITED : 0;
}

void encodeError(PayloadWriter& writer, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TaskError& task) {
    begin(writer, Kind::Task);
    encodeChain(writer, task.getChain());
    encodeOrigin(writer, task.getOrigin());
  } catch (const WorkerLost& lost) {
    begin(writer, Kind::Lost);
    encodeStatus(writer, lost.getStatus());
    encodeOrigin(writer, lost.getOrigin());
  } catch (const TaskTimeout& timeout) {
    begin(writer, Kind::Timeout);
    encode(writer, static_cast<std::int64_t>(timeout.getLimit().count()));
    encodeOrigin(writer, timeout.getOrigin());
  } catch (const Interrupted& interrupted) {
    begin(writer, Kind::Interrupted);
    encode(writer, std::string(interrupted.what()));
    encodeOptional(writer, interrupted.getSignal());
  } catch (const SystemError& system) {
    begin(writer, Kind::System);
    encode(writer, std::string(system.what()));
  } catch (const PortabilityError& portability) {
    begin(writer, Kind::Portability);
    encode(writer, std::string(portability.what()));
  } catch (const PayloadError& payload) {
    begin(writer, Kind::Payload);
    encode(writer, std::string(payload.what()));
  } catch (...) {
    begin(writer, Kind::Task);
    encodeChain(writer, describeException(std::current_exception()));
    encodeOrigin(writer, Origin{});
  }
}

std::exception_ptr decodeError(PayloadReader& reader) {
  switch (decode<Kind>(reader)) {
    case Kind::Task: {
      std::vector<ExceptionInfo> chain = decodeChain(reader);
      return std::make_exception_ptr(TaskError(std::move(chain), decodeOrigin(reader)));
    }
    case Kind::Lost: {
      const ProcessStatus status = decodeStatus(reader);
      return std::make_exception_ptr(WorkerLost(status, decodeOrigin(reader)));
    }
    case Kind::Timeout: {
      const std::chrono::milliseconds limit(decode<std::int64_t>(reader));
      return std::make_exception_ptr(TaskTimeout(limit, decodeOrigin(reader)));
    }
    case Kind::Interrupted: {
      const auto message = decode<std::string>(reader);
      return std::make_exception_ptr(Interrupted(message, decodeOptional<int>(reader)));
    }
    case Kind::System:
      return std::make_exception_ptr(SystemError(decode<std::string>(reader), 0));
    case Kind::Portability:
      return std::make_exception_ptr(PortabilityError(decode<std::string>(reader)));
    case Kind::Payload:
      return std::make_exception_ptr(PayloadError(decode<std::string>(reader)));
  }
  throw PayloadError("malformed message from another process: an error of unknown kind");
}

}  // namespace procession::detail

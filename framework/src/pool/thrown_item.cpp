#include "procession/detail/pool/thrown_item.hpp"

#include <unistd.h>

#include <utility>
#include <vector>

#include "backend/error_message.hpp"
#include "backend/ranks.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/detail/wire/throw_trace.hpp"
#include "procession/error.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

void encodeThrown(PayloadWriter& results, std::uint64_t item) {
  std::vector<ExceptionInfo> chain = describeException(std::current_exception());
  chain.front().backtrace = takeThrowTrace();
  encodeError(results,
              std::make_exception_ptr(TaskError(
                  std::move(chain),
                  {.item = item, .host = hostName(), .rank = ownRank(), .pid = getpid()})));
}

std::exception_ptr decodeThrown(PayloadReader& results) { return decodeError(results); }

std::string hostOfError(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const TaskError& task) {
    return task.getHost();
  } catch (const WorkerLost& lost) {
    return lost.getHost();
  } catch (const TaskTimeout& timeout) {
    return timeout.getOrigin().host;
  } catch (...) {
    return {};
  }
}

void encodeHostName(PayloadWriter& results) { encode(results, hostName()); }

}  // namespace procession::detail

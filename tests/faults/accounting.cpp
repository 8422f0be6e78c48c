#include "faults/accounting.hpp"

#include <algorithm>

#include "procession/error.hpp"

namespace procession::test {

namespace {

bool mustFail(const FaultyItem& item) {
  const Ending ending = factsOf(item.fault).ending;
  return item.alwaysFails() && ending != Ending::Value && ending != Ending::ValueOrLoss;
}

std::string tell(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return std::string(typeid(exception).name()) + ": " + std::string(exception.what(), 0, 300);
  } catch (...) {
    return "something that is no exception";
  }
}

std::string compareThrown(const FaultyItem& item, const TaskError& error) {
  const FaultFacts& facts = factsOf(item.fault);
  if (facts.ending != Ending::Throws || error.getType() != facts.type) {
    return std::string("it should not have thrown ") + error.getType();
  }
  const std::string message = messageOf(item);
  if (!message.empty() && error.getMessage() != message) {
    return "the message is another: " + std::string(error.getMessage(), 0, 100);
  }
  if (item.fault == Fault::ThrowsNested && error.getChain().size() != 2) {
    return "the nested exception is missing";
  }
  return "";
}

std::string compareLoss(const FaultyItem& item, const WorkerLost& error) {
  const FaultFacts& facts = factsOf(item.fault);
  if (facts.ending == Ending::ValueOrLoss) {
    return "";
  }
  const bool isRight = facts.ending == Ending::Loss &&
                       error.getSignal().value_or(0) == facts.signal &&
                       error.getExitCode().value_or(0) == facts.exitCode;
  return isRight ? "" : std::string("it should not have ended so: ") + error.what();
}

std::string compareOrigin(const Origin& origin) {
  return origin.pid > 0 && !origin.host.empty() ? "" : "the process is not named";
}

}  // namespace

std::string Accounting::ofSuccess() const {
  const auto found = std::ranges::find_if(items_, mustFail);
  return found == items_.end()
             ? ""
             : "it returned, though item " + std::to_string(found - items_.begin()) + " always " +
                   factsOf(found->fault).name;
}

std::string Accounting::ofFailure(const std::exception_ptr& error, bool isFirst,
                                  Tally& tally) const {
  std::optional<std::uint64_t> item;
  try {
    std::rethrow_exception(error);
  } catch (const TaskError& thrown) {
    item = thrown.getItem();
  } catch (const WorkerLost& lost) {
    item = lost.getItem();
  } catch (const TaskTimeout& late) {
    item = late.getItem();
  } catch (...) {
    return "it threw " + tell(error);
  }
  if (!item || *item >= items_.size()) {
    return "no item is named: " + tell(error);
  }
  const std::string problem = ofItem(*item, error, tally);
  if (!problem.empty() || !isFirst) {
    return problem;
  }
  const auto first = std::ranges::find_if(items_, mustFail);
  const bool isRight =
      first == items_.end() || *item <= static_cast<std::uint64_t>(first - items_.begin());
  return isRight ? "" : "an item before it fails, too: " + tell(error);
}

std::string Accounting::ofItem(std::size_t item, const std::exception_ptr& error,
                               Tally& tally) const {
  const std::string problem = compare(items_[item], error, tally);
  return problem.empty() ? ""
                         : "item " + std::to_string(item) + " (" +
                               factsOf(items_[item].fault).name + "): " + problem;
}

std::string Accounting::compare(const FaultyItem& item, const std::exception_ptr& error,
                                Tally& tally) const {
  if (error == nullptr) {
    tally.count(CameTo::Value);
    return mustFail(item) ? "it has a value, and always fails" : "";
  }
  if (!item.alwaysFails() && !mayBeRefused_) {
    return "it should have come to a value, not to " + tell(error);
  }
  try {
    std::rethrow_exception(error);
  } catch (const TaskError& thrown) {
    tally.count(CameTo::Thrown);
    return compareThrown(item, thrown) + compareOrigin(thrown.getOrigin());
  } catch (const WorkerLost& lost) {
    tally.count(CameTo::Loss);
    return compareLoss(item, lost) + compareOrigin(lost.getOrigin());
  } catch (const TaskTimeout& late) {
    tally.count(CameTo::Timeout);
    const bool isRight =
        factsOf(item.fault).ending == Ending::Timeout && late.getLimit() == timeout_;
    return (isRight ? "" : "it was not late") + compareOrigin(late.getOrigin());
  } catch (...) {
    return tell(error);
  }
}

}  // namespace procession::test

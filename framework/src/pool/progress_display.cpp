#include "pool/progress_display.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>

#include "system/environment.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

constexpr Time kWorthABar = std::chrono::seconds(1);  // a wait that is longer
constexpr Time kRedrawEvery = std::chrono::milliseconds(250);
constexpr Time kLineEvery = std::chrono::minutes(1);

// The display that has the terminal; null: it is free.
std::atomic<const ProgressDisplay*> terminalOwner = nullptr;

}  // namespace

Progress chooseProgress(Progress asked) {
  const auto choice = readChoice("PROCESSION_PROGRESS", {"auto", "off", "on"});
  return asked == Progress::Auto && choice ? static_cast<Progress>(*choice) : asked;
}

ProgressDisplay::ProgressDisplay(const char* name, std::uint64_t items, Progress progress, Time now)
    : name_(name),
      items_(items),
      progress_(progress),
      begin_(now),
      nextLook_(progress == Progress::On ? now : now + kWorthABar),
      quietUntil_(nextLook_),
      bar_(STDERR_FILENO) {}

ProgressDisplay::~ProgressDisplay() { hide(); }

void ProgressDisplay::look(const Counts& counts, Time now) {
  if (!style_) {
    style_ = bar_.isPossible() ? Style::Bar : Style::Lines;
    if (style_ == Style::Lines) {
      nextLook_ = begin_ + kLineEvery;
    }
  }
  if (now < nextLook_) {
    return;
  }
  if (style_ == Style::Bar) {
    if (now < quietUntil_) {
      nextLook_ = quietUntil_;
      return;
    }
    draw(counts, now);
    nextLook_ = now + kRedrawEvery;
  } else {
    tell(progressLine(stateAt(counts, now)));
    hasTold_ = true;
    nextLook_ += kLineEvery * ((now - nextLook_) / kLineEvery + 1);  // on the minute, however late
  }
}

void ProgressDisplay::pause() {
  isPaused_ = true;
  hide();
}

void ProgressDisplay::resume(Time now) {
  isPaused_ = false;
  quietUntil_ = now + kWorthABar;  // a bar that comes and goes with each result is of no use
}

void ProgressDisplay::end(const Counts& counts, Time now) {
  hide();
  if (progress_ == Progress::On || hasTold_) {
    tell(progressSummary(stateAt(counts, now)));
  }
}

ProgressState ProgressDisplay::stateAt(const Counts& counts, Time now) {
  rate_.note(counts.finished, now - begin_);
  return {.name = name_,
          .items = items_,
          .finished = counts.finished,
          .failed = counts.failed,
          .elapsed = now - begin_,
          .rate = rate_.perSecond()};
}

void ProgressDisplay::draw(const Counts& counts, Time now) {
  const ProgressState state = stateAt(counts, now);
  if (const std::optional<std::size_t> width = takeTerminal() ? bar_.width() : std::nullopt) {
    bar_.show(progressBar(state, *width));
  } else {
    hide();
  }
}

void ProgressDisplay::hide() {
  bar_.remove();
  const ProgressDisplay* self = this;
  terminalOwner.compare_exchange_strong(self, nullptr);
}

bool ProgressDisplay::takeTerminal() {
  const ProgressDisplay* owner = nullptr;
  return terminalOwner.compare_exchange_strong(owner, this) || owner == this;
}

}  // namespace procession::detail

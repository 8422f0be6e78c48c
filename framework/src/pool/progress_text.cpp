#include "pool/progress_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

namespace procession::detail {

namespace {

using Seconds = std::chrono::duration<double>;

/// A part of the bar's line.
struct Part {
  int importance = 0;
  std::string text;
};

/// 100 only when all are.
int percentOf(const ProgressState& state) {
  if (state.finished >= state.items) {
    return 100;
  }
  const double share = static_cast<double>(state.finished) / static_cast<double>(state.items);
  return std::min(99, static_cast<int>(share * 100));
}

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string timeLeft(const ProgressState& state) {
  if (state.rate <= 0 || state.finished >= state.items) {
    return {};
  }
  const double seconds = static_cast<double>(state.items - state.finished) / state.rate;
  constexpr double kRounding = 1e-6;
  constexpr double kTooLong = 1000.0 * 24 * 3600;
  if (!(seconds < kTooLong)) {
    return {};
  }
  return durationText(std::chrono::duration_cast<Time>(Seconds(std::ceil(seconds - kRounding)))) +
         " left";
}

std::string failures(const ProgressState& state) {
  return state.failed == 0 ? "" : groupedNumber(state.failed) + " failed";
}

std::size_t widthOf(const std::vector<Part>& parts) {
  std::size_t width = 0;
  for (const Part& part : parts) {
    width += part.text.empty() ? 0 : part.text.size() + (width == 0 ? 0 : 2);
  }
  return width;
}

std::string barOf(const ProgressState& state, std::size_t columns) {
  const std::size_t inside = columns - 2;
  const double share = static_cast<double>(state.finished) / static_cast<double>(state.items);
  const auto filled = std::min(inside, static_cast<std::size_t>(share * double(inside)));
  std::string bar(filled, '=');
  bar += filled < inside ? ">" : "";
  bar.resize(inside, ' ');
  return "[" + bar + "]";
}

std::string listed(std::initializer_list<std::string> texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += text.empty() ? "" : (list.empty() ? "" : ", ") + text;
  }
  return list;
}

std::string averageRate(const ProgressState& state) {
  const double seconds = Seconds(state.elapsed).count();
  return seconds > 0 ? rateText(static_cast<double>(state.finished) / seconds) : "";
}

}  // namespace

std::string progressBar(const ProgressState& state, std::size_t width) {
  constexpr std::size_t kShortestBar = 12;
  constexpr std::size_t kLongestBar = 42;
  std::vector<Part> parts{
      {2, std::string(state.name)},
      {6, format("%3d %%", percentOf(state))},
      {5, groupedNumber(state.finished) + " of " + groupedNumber(state.items)},
      {1, state.rate > 0 ? rateText(state.rate) : ""},
      {3, timeLeft(state)},
      {4, failures(state)},
  };
  while (widthOf(parts) > width) {
    const auto least = std::ranges::min_element(parts, {}, &Part::importance);
    if (parts.size() == 1) {
      return least->text.substr(0, width);
    }
    parts.erase(least);
  }
  if (const std::size_t room = width - widthOf(parts); room >= kShortestBar + 2) {
    const bool isNamed = parts.front().text == state.name;
    parts.insert(parts.begin() + (isNamed ? 1 : 0),
                 {0, barOf(state, std::min(room - 2, kLongestBar))});
  }
  std::string line;
  for (const Part& part : parts) {
    line += part.text.empty() ? "" : (line.empty() ? "" : "  ") + part.text;
  }
  return line;
}

std::string progressLine(const ProgressState& state) {
  return std::string(state.name) + ": " + groupedNumber(state.finished) + " of " +
         groupedNumber(state.items) + " items (" + std::to_string(percentOf(state)) + " %) in " +
         listed({durationText(state.elapsed), state.rate > 0 ? rateText(state.rate) : "",
                 timeLeft(state), failures(state)});
}

std::string progressSummary(const ProgressState& state) {
  if (state.finished < state.items) {
    return std::string(state.name) + ": ended after " + groupedNumber(state.finished) + " of " +
           groupedNumber(state.items) + " items (" + std::to_string(percentOf(state)) + " %) in " +
           listed({durationText(state.elapsed), failures(state)});
  }
  return std::string(state.name) + ": " + groupedNumber(state.items) + " items in " +
         listed({durationText(state.elapsed), averageRate(state), failures(state)});
}

std::string groupedNumber(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

std::string rateText(double perSecond) {
  const auto withUnit = [](double value, const char* unit) {
    return value < 9.95 ? format("%.1f", value) + unit : format("%.0f", value) + unit;
  };
  if (perSecond >= 999.5e6) {
    return withUnit(perSecond / 1e9, "G/s");
  }
  if (perSecond >= 999.5e3) {
    return withUnit(perSecond / 1e6, "M/s");
  }
  if (perSecond >= 999.5) {
    return withUnit(perSecond / 1e3, "k/s");
  }
  if (perSecond >= 0.995) {
    return withUnit(perSecond, "/s");
  }
  return perSecond * 60 >= 0.995 ? withUnit(perSecond * 60, "/min")
                                 : withUnit(perSecond * 3600, "/h");
}

std::string durationText(Time duration) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  const auto seconds = static_cast<long long>(
      std::chrono::duration_cast<std::chrono::seconds>(std::max(duration, Time(0))).count());
  if (seconds < kMinute) {
    return format("%lld s", seconds);
  }
  if (seconds < kHour) {
    return format("%lld min %02lld s", seconds / kMinute, seconds % kMinute);
  }
  if (seconds < kDay) {
    return format("%lld h %02lld min", seconds / kHour, seconds % kHour / kMinute);
  }
  return format("%lld d %02lld h", seconds / kDay, seconds % kDay / kHour);
}

void ProgressRate::note(std::uint64_t finished, Time elapsed) {
  const double interval = Seconds(elapsed - elapsed_).count();
  if (interval <= 0) {
    return;
  }
  constexpr double kLeast = 10;
  const double reach = std::max(kLeast, Seconds(elapsed).count() / 4);
  const double kept = std::exp(-interval / reach);
  const double items = finished > finished_ ? static_cast<double>(finished - finished_) : 0;
  sum_ = sum_ * kept + (1 - kept) * items / interval;
  weight_ = weight_ * kept + (1 - kept);
  finished_ = finished;
  elapsed_ = elapsed;
}

}  // namespace procession::detail

#include "pool/progress_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace procession::detail {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const ProgressState kHalf{.name = "map",
                          .items = 10'000,
                          .finished = 5'000,
                          .failed = 2,
                          .elapsed = seconds(15),
                          .rate = 250};

TEST(ProgressTextTest, TheBarTellsEverythingWhereThereIsRoom) {
  EXPECT_EQ(progressBar(kHalf, 100),
            "map  [====================>                   ]   50 %  5,000 of 10,000  250/s  20 s "
            "left  2 failed");
}

TEST(ProgressTextTest, TheBarLeavesOutTheLeastImportantFirst) {
  EXPECT_EQ(progressBar(kHalf, 71),
            "map  [======>     ]   50 %  5,000 of 10,000  250/s  20 s left  2 failed");
  EXPECT_EQ(progressBar(kHalf, 60), "map   50 %  5,000 of 10,000  250/s  20 s left  2 failed");
  EXPECT_EQ(progressBar(kHalf, 50), "map   50 %  5,000 of 10,000  20 s left  2 failed");
  EXPECT_EQ(progressBar(kHalf, 44), " 50 %  5,000 of 10,000  20 s left  2 failed");
  EXPECT_EQ(progressBar(kHalf, 34), " 50 %  5,000 of 10,000  2 failed");
  EXPECT_EQ(progressBar(kHalf, 25), " 50 %  5,000 of 10,000");
  EXPECT_EQ(progressBar(kHalf, 10), " 50 %");
}

TEST(ProgressTextTest, TheBarFitsAnyWidth) {
  ProgressState state = kHalf;
  state.name = "mapUnordered";
  for (const std::uint64_t items :
       {std::uint64_t{1}, std::uint64_t{7}, std::numeric_limits<std::uint64_t>::max()}) {
    for (const std::uint64_t finished : {std::uint64_t{0}, items / 2, items}) {
      state.items = items;
      state.finished = finished;
      for (std::size_t width = 0; width < 200; ++width) {
        EXPECT_LE(progressBar(state, width).size(), width);
      }
    }
  }
}

TEST(ProgressTextTest, OnlyAllItemsAreAHundredPercent) {
  ProgressState state = kHalf;
  state.items = std::numeric_limits<std::uint64_t>::max();
  state.finished = state.items - 1;
  EXPECT_THAT(progressBar(state, 100), HasSubstr(" 99 %"));
  state.finished = state.items;
  EXPECT_THAT(progressBar(state, 150),
              HasSubstr("[========================================]  100 %"));
  EXPECT_THAT(progressBar(state, 120), Not(HasSubstr("left")));
}

TEST(ProgressTextTest, NothingIsToldThatIsNotKnown) {
  ProgressState state = kHalf;
  state.finished = 0;
  state.failed = 0;
  state.rate = 0;
  EXPECT_EQ(progressBar(state, 40), "map  [>            ]    0 %  0 of 10,000");
  EXPECT_EQ(progressLine(state), "map: 0 of 10,000 items (0 %) in 15 s");
}

TEST(ProgressTextTest, ALineTellsItForALog) {
  EXPECT_EQ(progressLine(kHalf),
            "map: 5,000 of 10,000 items (50 %) in 15 s, 250/s, 20 s left, 2 failed");
}

TEST(ProgressTextTest, TheSummaryHasTheAverageRate) {
  ProgressState state = kHalf;
  state.finished = state.items;
  state.elapsed = seconds(100);
  EXPECT_EQ(progressSummary(state), "map: 10,000 items in 1 min 40 s, 100/s, 2 failed");
  state.failed = 0;
  state.elapsed = Time(0);
  EXPECT_EQ(progressSummary(state), "map: 10,000 items in 0 s");
}

TEST(ProgressTextTest, TheSummaryTellsAnEarlyEnd) {
  EXPECT_EQ(progressSummary(kHalf),
            "map: ended after 5,000 of 10,000 items (50 %) in 15 s, 2 failed");
}

TEST(ProgressTextTest, NumbersAreGrouped) {
  EXPECT_EQ(groupedNumber(0), "0");
  EXPECT_EQ(groupedNumber(999), "999");
  EXPECT_EQ(groupedNumber(1'000), "1,000");
  EXPECT_EQ(groupedNumber(123'456), "123,456");
  EXPECT_EQ(groupedNumber(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(ProgressTextTest, RatesHaveAUnitThatSuitsThem) {
  EXPECT_EQ(rateText(0.0005), "1.8/h");
  EXPECT_EQ(rateText(0.2), "12/min");
  EXPECT_EQ(rateText(1), "1.0/s");
  EXPECT_EQ(rateText(9.94), "9.9/s");
  EXPECT_EQ(rateText(9.96), "10/s");
  EXPECT_EQ(rateText(999.4), "999/s");
  EXPECT_EQ(rateText(999.6), "1.0k/s");
  EXPECT_EQ(rateText(34'567), "35k/s");
  EXPECT_EQ(rateText(999'600), "1.0M/s");
  EXPECT_EQ(rateText(2.5e9), "2.5G/s");
}

TEST(ProgressTextTest, DurationsHaveTwoUnits) {
  EXPECT_EQ(durationText(milliseconds(-5)), "0 s");
  EXPECT_EQ(durationText(milliseconds(59'999)), "59 s");
  EXPECT_EQ(durationText(minutes(1)), "1 min 00 s");
  EXPECT_EQ(durationText(hours(1) - seconds(1)), "59 min 59 s");
  EXPECT_EQ(durationText(hours(3) + minutes(7)), "3 h 07 min");
  EXPECT_EQ(durationText(hours(51)), "2 d 03 h");
}

TEST(ProgressRateTest, IsExactForASteadyRate) {
  ProgressRate rate;
  EXPECT_EQ(rate.perSecond(), 0);
  for (std::uint64_t second = 1; second <= 1000; ++second) {
    rate.note(7 * second, seconds(second));
    EXPECT_NEAR(rate.perSecond(), 7, 1e-9);
  }
}

TEST(ProgressRateTest, DoesNotDependOnHowOftenOneLooks) {
  ProgressRate often;
  ProgressRate seldom;
  for (std::uint64_t step = 1; step <= 400; ++step) {
    const std::uint64_t finished = step <= 200 ? 25 * step : 5'000 + 50 * (step - 200);
    often.note(finished, milliseconds(250 * step));
    if (step % 20 == 0) {
      seldom.note(finished, milliseconds(250 * step));
    }
  }
  EXPECT_NEAR(often.perSecond(), seldom.perSecond(), 0.05 * often.perSecond());
}

TEST(ProgressRateTest, FollowsWhenItemsGetDearer) {
  ProgressRate rate;
  rate.note(100'000, seconds(100));
  for (std::uint64_t second = 1; second <= 60; ++second) {
    rate.note(100'000 + 10 * second, seconds(100 + second));
  }
  EXPECT_LT(rate.perSecond(), 250);  // the average is 629
  EXPECT_GT(rate.perSecond(), 10);
}

TEST(ProgressRateTest, StandsStillForATimeThatDoesNot) {
  ProgressRate rate;
  rate.note(10, seconds(10));
  rate.note(20, seconds(10));
  EXPECT_NEAR(rate.perSecond(), 1, 1e-9);
}

}  // namespace
}  // namespace procession::detail

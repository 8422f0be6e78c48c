#include "pool/trace_text.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace procession::detail {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using Type = TraceRecord::Type;

constexpr Time kStart = std::chrono::hours(1000);
constexpr TraceRow kWorker{.rank = 2, .thread = 4711};

TEST(TraceTextTest, AChunkIsACompleteEventInMicroseconds) {
  EXPECT_EQ(traceEvent(kWorker, "map",
                       {.type = Type::Chunk,
                        .process = 4711,
                        .begin = kStart + nanoseconds(1'234'567),
                        .end = kStart + nanoseconds(1'234'567) + microseconds(25),
                        .operation = 7,
                        .first = 100,
                        .count = 50},
                       kStart),
            R"({"name":"map","cat":"chunk","ph":"X","ts":1234.567,"pid":3,"tid":4711,"dur":25.000,)"
            R"("args":{"operation":7,"first":100,"count":50}})");
}

TEST(TraceTextTest, ALossIsAnInstantThatTellsHow) {
  TraceRecord loss{.type = Type::WorkerLost,
                   .process = 4711,
                   .begin = kStart,
                   .end = kStart,
                   .operation = 7,
                   .item = 30,
                   .number = SIGSEGV};
  EXPECT_EQ(traceEvent(kWorker, "map", loss, kStart),
            R"({"name":"worker lost","cat":"fault","ph":"i","ts":0.000,"pid":3,"tid":4711,"s":"t",)"
            R"("args":{"operation":7,"item":30,"signal":"SIGSEGV"}})");
  loss.item = TraceRecord::kNoItem;
  loss.number = TraceRecord::kExitCode + 3;
  EXPECT_EQ(traceEvent(kWorker, "map", loss, kStart),
            R"({"name":"worker lost","cat":"fault","ph":"i","ts":0.000,"pid":3,"tid":4711,"s":"t",)"
            R"("args":{"operation":7,"exit":3}})");
}

TEST(TraceTextTest, ATimeBeforeTheStartIsTheStart) {
  const std::string event =
      traceEvent(kWorker, "map",
                 {.type = Type::Chunk, .begin = kStart - microseconds(5), .end = kStart}, kStart);
  EXPECT_NE(event.find(R"("ts":0.000,)"), std::string::npos) << "the clock of another host";
}

TEST(TraceTextTest, OperationsNestInTheirThreadOrHaveRowsOfTheirOwn) {
  const TraceRow parent{.rank = 0, .thread = 12};
  EXPECT_EQ(traceOperationBegin(parent, "map", 7, 1000, true, microseconds(1)),
            R"({"name":"map","cat":"operation","ph":"B","ts":1.000,"pid":1,"tid":12,)"
            R"("args":{"operation":7,"items":1000}})");
  EXPECT_EQ(traceOperationEnd(parent, "submit", 8, 5, 1, false, microseconds(2)),
            R"({"name":"submit","cat":"operation","ph":"e","ts":2.000,"pid":1,"tid":12,"id":8,)"
            R"("args":{"done":5,"failed":1}})");
}

TEST(TraceTextTest, NamesAreJsonWhateverTheHostIsCalled) {
  EXPECT_EQ(traceRankName(0, "a \"host\\\n"),
            R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"a \"host\\ "}})");
  EXPECT_EQ(traceRowName(kWorker, "worker"),
            R"({"name":"thread_name","ph":"M","pid":3,"tid":4711,"args":{"name":"worker"}})");
}

}  // namespace
}  // namespace procession::detail

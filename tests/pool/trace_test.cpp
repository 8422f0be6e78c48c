/// Whole programs with PROCESSION_TRACE, and what is in the file afterwards. The format: "Trace
/// Event Format", Google,
/// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

using Row = std::pair<int, long>;

/// A time as the nanoseconds that it is.
long nanoseconds(const json& microseconds) {
  return std::lround(microseconds.get<double>() * 1000);
}

class TraceTest : public testing::Test {
 protected:
  struct End {
    int status = 0;
    std::string output;
  };

  /// The program, on a backend, or on ranks if `launcher` starts them.
  End run(const std::string& what, const std::string& settings, const std::string& launcher = "") {
    const std::string command = settings + " PROCESSION_TRACE='" + path() + "' " + launcher + " " +
                                TRACED_WORK + " '" + folder_.path().string() + "' " + what +
                                " 2>&1";
    End end;
    FILE* output = popen(command.c_str(), "r");
    std::array<char, 4096> part{};
    while (std::fgets(part.data(), part.size(), output) != nullptr) {
      end.output += part.data();
    }
    end.status = pclose(output);
    while (waitpid(-1, nullptr, 0) > 0) {  // what a killed program leaves ends, too
    }
    return end;
  }
  std::vector<json> trace(const std::string& settings, const std::string& launcher = "") {
    const End end = run("everything", settings, launcher);
    EXPECT_EQ(end.status, 0) << end.output;
    return json::parse(text());
  }

  [[nodiscard]] std::string text() const {
    std::ifstream file(path());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::string path() const {
    return traceName_.empty() ? (folder_.path() / "trace.json").string() : traceName_;
  }

  static std::vector<json> eventsOf(const std::vector<json>& events, const std::string& category) {
    std::vector<json> found;
    std::ranges::copy_if(events, std::back_inserter(found),
                         [&](const json& event) { return event.value("cat", "") == category; });
    return found;
  }
  static std::set<std::string> namesOf(const std::vector<json>& events) {
    std::set<std::string> names;
    for (const json& event : events) {
      names.insert(event.at("name").get<std::string>());
    }
    return names;
  }

  /// What the format's description requires of each event.
  static void expectFields(const std::vector<json>& events) {
    std::set<int> namedRanks;
    std::set<Row> namedRows;
    for (const json& event : events) {
      ASSERT_TRUE(event.at("name").is_string()) << event;
      const std::string phase = event.at("ph");
      const int pid = event.at("pid");
      EXPECT_GT(pid, 0);
      if (phase == "M") {
        EXPECT_TRUE(event.at("args").at("name").is_string());
        if (event.at("name") == "process_name") {
          EXPECT_TRUE(namedRanks.insert(pid).second) << event;
        } else {
          EXPECT_EQ(event.at("name"), "thread_name");
          EXPECT_TRUE(namedRows.insert({pid, event.at("tid")}).second) << event;
        }
        continue;
      }
      EXPECT_TRUE(namedRanks.contains(pid)) << event;
      EXPECT_TRUE(namedRows.contains({pid, event.at("tid")})) << event;
      EXPECT_GE(event.at("ts").get<double>(), 0) << event;
      EXPECT_TRUE(event.at("args").is_object()) << event;
      if (phase == "X") {
        EXPECT_GE(event.at("dur").get<double>(), 0) << event;
      } else if (phase == "i") {
        EXPECT_EQ(event.at("s"), "t") << event;
      } else if (phase == "b" || phase == "e") {
        EXPECT_TRUE(event.contains("id")) << event;
      } else {
        EXPECT_TRUE(phase == "B" || phase == "E") << event;
      }
    }
  }

  /// Events with a duration are inside of each other, or apart, in each row.
  static void expectNesting(const std::vector<json>& events) {
    std::map<Row, std::vector<std::pair<long, long>>> spans;
    std::map<Row, std::vector<long>> begun;
    for (const json& event : events) {
      const Row row{event.at("pid"), event.value("tid", 0L)};
      const std::string phase = event.at("ph");
      if (phase == "X") {
        const long begin = nanoseconds(event.at("ts"));
        spans[row].emplace_back(begin, begin + nanoseconds(event.at("dur")));
      } else if (phase == "B") {
        begun[row].push_back(nanoseconds(event.at("ts")));
      } else if (phase == "E") {
        ASSERT_FALSE(begun[row].empty()) << event;
        spans[row].emplace_back(begun[row].back(), nanoseconds(event.at("ts")));
        begun[row].pop_back();
      }
    }
    for (const auto& [row, open] : begun) {
      EXPECT_TRUE(open.empty()) << "an operation has no end";
    }
    for (auto& [row, all] : spans) {
      std::ranges::sort(all, [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : a.second > b.second;
      });
      std::vector<long> ends;
      for (const auto& [begin, end] : all) {
        while (!ends.empty() && ends.back() <= begin) {
          ends.pop_back();
        }
        EXPECT_TRUE(ends.empty() || end <= ends.back())
            << "rank " << row.first << " row " << row.second << ": " << begin << " to " << end
            << " reaches beyond " << ends.back();
        ends.push_back(end);
      }
    }
  }

  /// Chunks that were done have each item of an operation once. Returns how many operations were
  /// looked at.
  static int expectEachItemOnce(const std::vector<json>& events) {
    std::map<long, std::vector<std::pair<long, long>>> chunks;  // by operation
    for (const json& event : eventsOf(events, "chunk")) {
      const json& about = event.at("args");
      chunks[about.at("operation")].emplace_back(about.at("first"), about.at("count"));
    }
    int operations = 0;
    for (const json& event : eventsOf(events, "operation")) {
      const json& about = event.at("args");
      if (!about.contains("items") || event.at("name") == "submit") {
        continue;
      }
      auto& ofIt = chunks[about.at("operation")];
      std::ranges::sort(ofIt);
      const long items = about.at("items");
      // One fails as a whole, and of another some items fail for good.
      const bool isComplete = items != 10 && event.at("name") != "mapSettled";
      long next = 0;
      for (const auto& [first, count] : ofIt) {
        EXPECT_TRUE(isComplete ? first == next : first >= next) << event;
        next = first + count;
      }
      EXPECT_TRUE(isComplete ? next == items : next <= items) << event;
      operations += isComplete ? 1 : 0;
    }
    return operations;
  }

  /// All of the above, and what is the same on all backends. Returns the events.
  std::vector<json> expectSoundTrace(const std::string& settings,
                                     const std::string& launcher = "") {
    const std::vector<json> events = trace(settings, launcher);
    expectFields(events);
    expectNesting(events);
    EXPECT_GE(expectEachItemOnce(events), 5);
    EXPECT_EQ(
        namesOf(eventsOf(events, "operation")),
        (std::set<std::string>{"map", "filter", "reduce", "mapSettled", "mapUnordered", "submit"}));
    EXPECT_THAT(namesOf(eventsOf(events, "chunk")),
                IsSupersetOf({"map", "filter", "reduce", "mapSettled", "mapUnordered", "submit"}));
    EXPECT_THAT(namesOf(eventsOf(events, "failed chunk")), Contains("threw"));
    EXPECT_THAT(namesOf(eventsOf(events, "fault")), Contains("retry"));
    return events;
  }

  static void expectFaults(const std::vector<json>& events) {
    EXPECT_THAT(namesOf(eventsOf(events, "failed chunk")), Contains("lost"));
    EXPECT_THAT(namesOf(eventsOf(events, "fault")),
                IsSupersetOf({"worker lost", "killed for its time limit", "item failed"}));
    const auto faults = eventsOf(events, "fault");
    const auto kill = std::ranges::find(faults, "killed for its time limit",
                                        [](const json& event) { return event.at("name"); });
    EXPECT_EQ(kill->at("args").at("item"), 3);
    const auto loss = std::ranges::find(faults, "worker lost",
                                        [](const json& event) { return event.at("name"); });
    EXPECT_EQ(loss->at("args").at("signal"), "SIGKILL");
    EXPECT_EQ(loss->at("args").at("item"), 30);
  }

  ScratchFolder folder_;
  std::string traceName_;
};

TEST_F(TraceTest, OfForkedWorkersIsSound) {
  const auto events = expectSoundTrace("PROCESSION_BACKEND=fork");
  expectFaults(events);
  EXPECT_FALSE(eventsOf(events, "wait").empty());
  std::set<long> workers;
  for (const json& event : eventsOf(events, "chunk")) {
    EXPECT_EQ(event.at("pid"), 1);
    workers.insert(event.at("tid").get<long>());
  }
  EXPECT_GE(workers.size(), 6u);
}

TEST_F(TraceTest, OfTheSerialBackendIsSound) { expectSoundTrace("PROCESSION_BACKEND=serial"); }

#ifdef MPIRUN
TEST_F(TraceTest, OfRanksIsSoundAndHasTheirWorkers) {
  const auto events = expectSoundTrace("PROCESSION_BACKEND=mpi", MPIRUN);
  expectFaults(events);
  std::set<int> ranks;
  for (const json& event : eventsOf(events, "chunk")) {
    ranks.insert(event.at("pid").get<int>());
  }
  EXPECT_EQ(ranks, (std::set<int>{1, 2, 3}));
  std::set<std::string> names;
  for (const json& event : events) {
    if (event.at("name") == "process_name") {
      names.insert(event.at("args").at("name").get<std::string>().substr(0, 10));
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"rank 0 on ", "rank 1 on ", "rank 2 on "}));
}
#endif

TEST_F(TraceTest, IsWrittenOnceWhateverTheProgramForks) {
  for (const char* backend : {"fork", "serial"}) {
    const End end = run("fork", std::string("PROCESSION_BACKEND=") + backend);
    EXPECT_EQ(end.status, 0) << end.output;
    const std::vector<json> events = json::parse(text());
    expectFields(events);
    EXPECT_EQ(expectEachItemOnce(events), 2);
    EXPECT_EQ(eventsOf(events, "operation").size(), 4u);
  }
}

TEST_F(TraceTest, OfAProgramThatWasKilledCanBeReadWithoutItsEnd) {
  const End end = run("killed", "PROCESSION_BACKEND=fork");
  EXPECT_NE(end.status, 0);
  EXPECT_THAT(text(), Not(HasSubstr("\n]")));
  const std::vector<json> events = json::parse(text() + "]");
  expectFields(events);
  EXPECT_GT(eventsOf(events, "chunk").size(), 100u);
}

TEST_F(TraceTest, OfNoOperationIsEmpty) {
  EXPECT_EQ(run("nothing", "PROCESSION_BACKEND=fork").status, 0);
  EXPECT_EQ(json::parse(text()), json::array());
}

TEST_F(TraceTest, AFileThatCannotBeWrittenIsToldBeforeTheBody) {
  traceName_ = "/no/such/folder/trace.json";
  for (const std::string& launcher : {std::string(),
#ifdef MPIRUN
                                      std::string(MPIRUN)
#endif
       }) {
    const End end = run("everything", "PROCESSION_LOG=warn", launcher);
    EXPECT_NE(end.status, 0);
    EXPECT_THAT(end.output, HasSubstr("PROCESSION_TRACE: cannot write the file "
                                      "'/no/such/folder/trace.json': No such file or directory"));
    EXPECT_THAT(end.output, Not(HasSubstr("begun")));
  }
}

TEST_F(TraceTest, AFullDiskIsToldOnceAndStopsNoWork) {
  traceName_ = "/dev/full";
  const End end = run("everything", "PROCESSION_BACKEND=fork");
  EXPECT_EQ(end.status, 0) << end.output;
  const std::string warning =
      "PROCESSION_TRACE: cannot go on with the file '/dev/full': No space left on device";
  EXPECT_THAT(end.output, HasSubstr(warning));
  EXPECT_EQ(end.output.find(warning), end.output.rfind(warning)) << end.output;
}

}  // namespace
}  // namespace procession::test

/// One contender of one row of the table that tests/benchmark/run-mpi writes, as a job of its own:
///
///     mpirun -n 2 mpi_benchmark ROW CONTENDER [--repetitions=N] [--workers=N] [--tiny]
///
/// Prints the milliseconds of each repetition, and ends with 1 when a result is wrong.
#include <mpi.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/job.hpp"
#include "procession/application.hpp"

namespace {

using procession::benchmarks::Contender;
using procession::benchmarks::Job;

std::vector<Contender> allContenders() {
  namespace rows = procession::benchmarks;
  std::vector<Contender> all;
  for (const auto& row :
       {rows::mapContenders(), rows::lazySumContenders(), rows::smallMapContenders(),
        rows::farmContenders(), rows::unevenContenders(), rows::stringsContenders(),
        rows::lifeContenders(), rows::boostContenders(), rows::messageContenders()}) {
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

Contender findContender(std::string_view row, std::string_view name) {
  for (const Contender& contender : allContenders()) {
    if (contender.row == row && contender.name == name) {
      return contender;
    }
  }
  throw std::invalid_argument("there is no contender " + std::string(name) + " in row " +
                              std::string(row));
}

Job parseJob(const std::vector<std::string_view>& options) {
  Job job;
  const auto number = [](std::string_view option, std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
      throw std::invalid_argument(std::string(option) + " wants a number: " + std::string(text));
    }
    return value;
  };
  for (const std::string_view option : options) {
    const std::string_view name = option.substr(0, option.find('='));
    const std::string_view text = option.substr(std::min(name.size() + 1, option.size()));
    if (name == "--tiny") {
      job.tiny = true;
    } else if (name == "--workers") {
      job.workers = number(name, text);
    } else if (name == "--repetitions") {
      job.repetitions = number(name, text);
    } else {
      throw std::invalid_argument("unknown option " + std::string(option));
    }
  }
  return job;
}

int runOurs(int argc, char** argv, const Contender& contender, const Job& job) {
  return procession::Application::run(argc, argv, [&] {
    contender.run(job);
    return 0;
  });
}

int runOnEveryRank(const Contender& contender, Job job) {
  MPI_Init(nullptr, nullptr);
  MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &job.ranks);
  try {
    contender.run(job);
  } catch (const std::exception& error) {
    std::cerr << "mpi_benchmark: " << error.what() << std::endl;
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  MPI_Finalize();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    if (arguments.size() < 2) {
      throw std::invalid_argument("usage: mpi_benchmark ROW CONTENDER [options]");
    }
    const Contender contender = findContender(arguments[0], arguments[1]);
    const Job job = parseJob({arguments.begin() + 2, arguments.end()});
    if (contender.startsMpi) {
      contender.run(job);
      return 0;
    }
    return contender.isOurs() ? runOurs(argc, argv, contender, job)
                              : runOnEveryRank(contender, job);
  } catch (const std::invalid_argument& error) {
    std::cerr << "mpi_benchmark: " << error.what() << '\n';
    return 2;
  }
}

#include <procession/application.hpp>
#include <procession/error.hpp>
#include <procession/process_pool.hpp>

#include <fstream>
#include <iostream>

#include "shoreline/format_error.hpp"
#include "shoreline/options.hpp"
#include "shoreline/report.hpp"
#include "shoreline/survey.hpp"

namespace {

constexpr int kBadInput = 2;

int fail(const std::string& message) {
  std::cerr << "shoreline: " << message << '\n';
  return kBadInput;
}

int run(const shoreline::Options& options) {
  procession::ProcessPool pool(
      {.workerCount = options.workers, .grain = shoreline::kSegmentsALeaf});
  const shoreline::Survey survey = shoreline::survey(pool, options.file);
  shoreline::print(std::cout, survey);
  if (!options.json.empty()) {
    std::ofstream stream(options.json);
    stream << shoreline::toJson(survey) << std::flush;
    if (!stream) {
      return fail("\"" + options.json + "\" cannot be written");
    }
  }
  return 0;
}

/// What is wrong with the file is told in a line; all else Application tells.
int runOrExplain(const shoreline::Options& options) {
  try {
    return run(options);
  } catch (const procession::Hdf5Error& error) {
    return fail(error.what());
  } catch (const shoreline::FormatError& error) {
    return fail(error.what());
  } catch (const procession::TaskError& error) {
    return fail(error.getMessage());  // of a worker that found it
  }
}

}  // namespace

int main(int argc, char** argv) {
  return procession::Application::run(argc, argv, [&] {
    const auto [exitStatus, options] = shoreline::Options::parse(argc, argv);
    return exitStatus ? *exitStatus : runOrExplain(options);
  });
}

// Jobs for objects that are dear to set up: each worker process has one, and shuts it down.

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

// [readme:worker]
class Translator : public WorkerInterface<std::string, std::string> {
 public:
  explicit Translator(std::string language = "") : language_(std::move(language)) {}

  void initialize() override {  // once in each process, not once a word
    if (language_ == "fr") {
      words_ = {{"one", "un"}, {"two", "deux"}, {"three", "trois"}};
    }
  }
  std::string process(const std::string& word) override { return words_.at(word); }
  std::string handleError(const Error&, const std::string& word) override { return word + "?"; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {  // what initialize() needs, not what it makes
    archive& language_;
  }

 private:
  std::string language_;
  std::map<std::string, std::string> words_;
};
// [readme:end]

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    ProcessPool pool(2);
    const std::vector<std::string> words{"one", "four", "three"};
    // [readme:process]
    const std::vector<std::string> french = pool.process(words, Translator("fr"));
    // [readme:end]
    for (const std::string& word : french) {
      std::cout << word << "\n";
    }
  });
}

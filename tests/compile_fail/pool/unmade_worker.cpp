#include <procession/process_pool.hpp>
#include <vector>

class Scaler : public procession::WorkerInterface<int, int> {
 public:
  explicit Scaler(int factor) : factor_(factor) {}
  int process(const int& job) override { return factor_ * job; }

#ifdef PROCESSION_CORRECT
  Scaler() = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& factor_;
  }
#endif

 private:
  int factor_ = 1;
};

void use(procession::ProcessPool& pool) {
  static_cast<void>(pool.process(std::vector{1, 2, 3}, Scaler(2)));
}

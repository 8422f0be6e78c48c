#include "simulation/item_costs.hpp"

#include <cmath>
#include <random>

namespace procession::test {

namespace {

/// One weight, 1 on average.
double weightOf(CostShape shape, std::mt19937_64& random) {
  const double uniform = std::uniform_real_distribution<>(0, 1)(random);
  switch (shape) {
    case CostShape::Uniform:
      return 0.5 + uniform;
    case CostShape::Pareto:
      return std::min(20.0, std::pow(1 - uniform, -1 / 1.16) * (1 - 1 / 1.16));
    case CostShape::Bimodal:
      return uniform < 0.1 ? 5.0 : 5.0 / 9;
  }
  return 0;
}

}  // namespace

std::string nameOf(CostShape shape) {
  switch (shape) {
    case CostShape::Uniform:
      return "Uniform";
    case CostShape::Pareto:
      return "Pareto";
    case CostShape::Bimodal:
      return "Bimodal";
  }
  return "";
}

ItemCosts costsOf(CostShape shape, ItemCosts::Time mean) {
  constexpr std::size_t kTable = 65'521;
  std::mt19937_64 random(1);
  std::vector<ItemCosts::Time> table;
  table.reserve(kTable);
  while (table.size() < kTable) {
    const double cost = weightOf(shape, random) * static_cast<double>(mean.count());
    table.emplace_back(static_cast<std::int64_t>(cost));
  }
  return ItemCosts(table);
}

}  // namespace procession::test

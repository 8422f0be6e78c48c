#include "faults/random_items.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace procession::test {

namespace {

constexpr std::uint32_t kMostFaulty = 12;
constexpr std::uint32_t kMostHanging = 2;  // each costs the time limit

bool isSimple(Fault fault) {
  constexpr std::array kSimple{Fault::KillsItself, Fault::Segfaults, Fault::Aborts,
                               Fault::Exits,       Fault::Throws,    Fault::BlocksSignals};
  return std::ranges::find(kSimple, fault) != kSimple.end();
}

bool isAllowed(Fault fault, const FaultRules& rules) {
  if (rules.areSimple && !isSimple(fault)) {
    return false;
  }
  const FaultFacts& facts = factsOf(fault);
  const bool canFail = rules.mayFail || rules.retries > 0 || facts.ending == Ending::Value;
  return canFail && (rules.hasTimeLimit || facts.ending != Ending::Timeout);
}

Fault rollFault(Dice& dice, const FaultRules& rules) {
  Fault fault = Fault::None;
  do {
    fault = dice.pick(possibleFaults());
  } while (!isAllowed(fault, rules));
  return fault;
}

std::uint32_t rollFailures(Dice& dice, const FaultRules& rules, Fault fault) {
  if (factsOf(fault).ending == Ending::Value) {
    return 1;  // whatever happens is over then
  }
  const auto retries = static_cast<std::uint32_t>(rules.retries);
  return retries == 0 || (rules.mayFail && dice.chance(30)) ? FaultyItem::kAlways
                                                            : 1 + dice.roll(retries);
}

/// Mostly little; now and then more than travels in a frame, seldom more than a slot takes.
std::uint32_t rollBytes(Dice& dice, std::uint32_t items) {
  if (dice.chance(98)) {
    return dice.roll(200);
  }
  return items < 30 && dice.chance(5) ? 33'000'000 : dice.magnitude(200'000);
}

}  // namespace

std::uint32_t Dice::magnitude(std::uint32_t most) {
  const auto bits = static_cast<std::uint32_t>(std::bit_width(most));
  return std::min(most, roll(std::uint32_t{1} << (1 + roll(bits))));
}

std::vector<FaultyItem> rollItems(Dice& dice, const FaultRules& rules, std::uint32_t count,
                                  std::uint32_t firstLine) {
  std::vector<FaultyItem> items(count);
  for (FaultyItem& item : items) {
    item.id = firstLine++;
    item.bytes = rollBytes(dice, count);
  }
  const std::uint32_t faulty = std::min(count, dice.roll(kMostFaulty + 1));
  const bool areAlike = dice.chance(25);
  const Fault one = rollFault(dice, rules);
  std::uint32_t hanging = 0;
  for (std::uint32_t i = 0; i < faulty; ++i) {
    FaultyItem& item = items[dice.roll(count)];
    const Fault fault = areAlike ? one : rollFault(dice, rules);
    if (factsOf(fault).ending == Ending::Timeout && ++hanging > kMostHanging) {
      continue;
    }
    item.fault = fault;
    item.failures = rollFailures(dice, rules, fault);
  }
  return items;
}

std::string describe(const std::vector<FaultyItem>& items) {
  std::string text = std::to_string(items.size()) + " items";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].fault != Fault::None) {
      text += "; " + std::to_string(i) + ": " + factsOf(items[i].fault).name + ", " +
              (items[i].alwaysFails() ? "always" : std::to_string(items[i].failures) + " times");
    }
  }
  return text;
}

}  // namespace procession::test

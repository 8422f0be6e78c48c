#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <stdexcept>

namespace procession {

namespace detail {

/// Philox4x32-10: the block of random bits at a place of the sequence that a key selects. All four
/// words of the place count, word 0 lowest.
///
/// Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC'11.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> place,
                                                  std::array<std::uint32_t, 2> key) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53} * place[0];
    const std::uint64_t odd = std::uint64_t{0xCD9E8D57} * place[2];
    place = {static_cast<std::uint32_t>(odd >> 32) ^ place[1] ^ key[0],
             static_cast<std::uint32_t>(odd),
             static_cast<std::uint32_t>(even >> 32) ^ place[3] ^ key[1],
             static_cast<std::uint32_t>(even)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return place;
}

}  // namespace detail

/// A stream of random numbers: one of 2^64 for each of 2^64 seeds, all independent of each other,
/// and each 2^65 numbers long. Callbacks of a pool that take a `Random&` after their item get the
/// stream of (PoolOptions::seed, index of the item):
///
///     ProcessPool pool({.seed = 2024});
///     auto noisy = pool.map(values, [](double value, Random& random) {
///       return value + 0.1 * random.normal();
///     });
///
/// So the numbers of an item are the same for any number of workers, any backend and chunk size,
/// and when the item is tried again.
///
/// A std::uniform_random_bit_generator, for std::shuffle and the distributions of <random>; what
/// those make of it differs between standard libraries. The members below do not: they give the
/// same digits everywhere, but for the last bits of normal().
///
/// Counter-based: small, made in no time, and fit for simulation; not for secrets.
///
/// Source: Philox4x32-10 of Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2,
/// 3; SC'11. The key is the seed; the counter is the block's number in its low and the stream in
/// its high 64 bits; a block gives two numbers, low words first.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit constexpr Random(std::uint64_t seed, std::uint64_t stream = 0)
      : seed_(seed), stream_(stream) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  /// 64 random bits.
  constexpr result_type operator()() {
    if (hasSecond_) {
      hasSecond_ = false;
      return second_;
    }
    const auto words = detail::philox4x32({low(block_), high(block_), low(stream_), high(stream_)},
                                          {low(seed_), high(seed_)});
    ++block_;
    second_ = join(words[2], words[3]);
    hasSecond_ = true;
    return join(words[0], words[1]);
  }

  /// Uniform in [0, 1): a multiple of 2^-53.
  constexpr double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  /// A whole number, uniform in [0, limit). Throws std::invalid_argument when `limit` is 0.
  constexpr std::uint64_t below(std::uint64_t limit) {
    if (limit == 0) {
      throw std::invalid_argument("Random::below(0): there is no such number");
    }
    // Of 2^64 numbers the first 2^64 mod limit are too many for all remainders to be as frequent.
    const std::uint64_t tooMany = (0 - limit) % limit;
    std::uint64_t number = (*this)();
    while (number < tooMany) {
      number = (*this)();
    }
    return number % limit;
  }

  /// From the normal distribution of mean 0 and standard deviation 1, by the Box-Muller transform;
  /// takes two numbers of the stream. Its last bits depend on std::log and std::cos.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // not of 0
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  static constexpr std::uint32_t low(std::uint64_t word) {
    return static_cast<std::uint32_t>(word);
  }
  static constexpr std::uint32_t high(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 32);
  }
  static constexpr std::uint64_t join(std::uint32_t low, std::uint32_t high) {
    return low | std::uint64_t{high} << 32;
  }

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t block_ = 0;   // the next one
  std::uint64_t second_ = 0;  // the other number of the last block
  bool hasSecond_ = false;    // it is still to be given
};

}  // namespace procession

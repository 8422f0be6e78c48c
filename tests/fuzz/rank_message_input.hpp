#pragma once

#include "backend/rank_message.hpp"
#include "fuzz/fuzz.hpp"

namespace procession::test {

/// Mostly a small number: one that is out of every range seldom gets far.
inline std::uint64_t takeNumber(FuzzInput& input) {
  const std::uint8_t small = input.takeByte();
  if (small != 0xff) {
    return small;
  }
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) {
    number = number << 8 | input.takeByte();
  }
  return number;
}

/// A message about operation 1, as it leaves the receiver of a rank.
inline detail::RankMessage takeRankMessage(FuzzInput& input, detail::RankMessageKind kind) {
  detail::RankMessage message;
  message.header.kind = kind;
  message.header.operation = 1;
  message.header.chunk = takeNumber(input);
  message.header.first = takeNumber(input);
  message.header.count = takeNumber(input);
  const detail::ByteView bytes = input.take(4 * std::size_t{input.takeByte()});
  auto payload = std::make_shared<detail::HeapPayload>();
  payload->write(bytes.data(), bytes.size());
  message.header.length = bytes.size();
  message.payload = payload;
  return message;
}

}  // namespace procession::test

#include "procession/detail/wire/exception_chain.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include "procession/detail/wire/codec.hpp"

namespace procession::detail {

namespace {

// Deeper nesting is a loop or a mistake; a chain must end somewhere.
constexpr std::size_t kLongestChain = 64;

/// The exception being handled, as text.
ExceptionInfo describeCurrent(const char* message) {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return {type != nullptr ? demangle(*type) : "unknown exception",
          message != nullptr ? message : ""};
}

/// Describes one link; returns the exception nested in it, null at the end of the chain.
std::exception_ptr describeLink(const std::exception_ptr& exception, ExceptionInfo& info) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& caught) {
    info = describeCurrent(caught.what());
    const auto* nested = dynamic_cast<const std::nested_exception*>(&caught);
    return nested != nullptr ? nested->nested_ptr() : nullptr;
  } catch (const std::string& caught) {
    info = describeCurrent(caught.c_str());
  } catch (const char* caught) {
    info = describeCurrent(caught);
  } catch (const std::nested_exception& caught) {
    info = describeCurrent(nullptr);
    return caught.nested_ptr();
  } catch (...) {
    info = describeCurrent(nullptr);
  }
  return nullptr;
}

}  // namespace

std::string demangle(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  return name != nullptr ? name.get() : type.name();
}

std::vector<ExceptionInfo> describeException(const std::exception_ptr& exception) {
  std::vector<ExceptionInfo> chain;
  std::exception_ptr link = exception;
  while (link != nullptr && chain.size() < kLongestChain) {
    ExceptionInfo info;
    link = describeLink(link, info);
    chain.push_back(std::move(info));
  }
  if (chain.empty()) {
    chain.push_back({"unknown exception", ""});
  }
  return chain;
}

void encodeChain(PayloadWriter& writer, const std::vector<ExceptionInfo>& chain) {
  writer.writeWord(chain.size());
  for (const ExceptionInfo& info : chain) {
    encode(writer, info.type);
    encode(writer, info.message);
    encode(writer, info.backtrace);
  }
}

std::vector<ExceptionInfo> decodeChain(PayloadReader& reader) {
  const std::uint64_t count = reader.readWord();
  if (count == 0 || count > kLongestChain) {
    throw PayloadError("malformed payload: an exception chain of " + std::to_string(count) +
                       " links");
  }
  std::vector<ExceptionInfo> chain(count);
  for (ExceptionInfo& info : chain) {
    info.type = decode<std::string>(reader);
    info.message = decode<std::string>(reader);
    info.backtrace = decode<std::vector<std::string>>(reader);
  }
  return chain;
}

}  // namespace procession::detail

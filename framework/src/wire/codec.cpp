#include "procession/detail/wire/codec.hpp"

#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"

namespace procession::detail {

void rethrowAsPayloadError(const std::type_info& type) {
  const std::string start = "malformed payload: no " + demangle(type) + " can be read from it: ";
  try {
    throw;
  } catch (const PayloadError& error) {
    throw PayloadError(start + error.what());
  } catch (const boost::archive::archive_exception& error) {
    throw PayloadError(start + error.what());
  } catch (const std::length_error& error) {
    throw PayloadError(start + error.what());
  } catch (const std::bad_alloc&) {
    throw PayloadError(start + "it asks for more memory than there is");
  }
}

}  // namespace procession::detail

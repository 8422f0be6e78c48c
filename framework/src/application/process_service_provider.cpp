#include "procession/process_service_provider.hpp"

#include "procession/process_pool.hpp"

namespace procession {

void ProcessServiceProvider::registerServices(Container& container) {
  container.bind("process.pool", [] { return ProcessPool(); });
}

}  // namespace procession

#include "procession/process_service_provider.hpp"

#include "procession/process_manager.hpp"
#include "procession/process_pool.hpp"

namespace procession {

void ProcessServiceProvider::registerServices(Container& container) {
  container.bind("process.pool", [] { return ProcessPool(); });
  container.bind("process.manager", [] { return ProcessManager(); });
}

}  // namespace procession

#pragma once

#include "procession/container.hpp"

namespace procession {

/// Registers "process.pool", a ProcessPool, and "process.manager", a ProcessManager; a new one each
/// time.
///
///     Container container;
///     ProcessServiceProvider().registerServices(container);
///     auto pool = container.make<ProcessPool>("process.pool");
class ProcessServiceProvider : public ServiceProvider {
 public:
  void registerServices(Container& container) override;
};

}  // namespace procession

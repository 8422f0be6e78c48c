#pragma once

// All of Procession that was built.

#include "procession/application.hpp"
#include "procession/container.hpp"
#include "procession/error.hpp"
#include "procession/fork_process.hpp"
#include "procession/future.hpp"
#include "procession/node_shared.hpp"
#include "procession/outcome.hpp"
#include "procession/pool_options.hpp"
#include "procession/portable.hpp"
#include "procession/process.hpp"
#include "procession/process_interface.hpp"
#include "procession/process_manager.hpp"
#include "procession/process_manager_interface.hpp"
#include "procession/process_pool.hpp"
#include "procession/process_service_provider.hpp"
#include "procession/process_status.hpp"
#include "procession/random.hpp"
#include "procession/serializable.hpp"
#include "procession/task_outcome.hpp"
#include "procession/unordered_results.hpp"
#include "procession/worker_interface.hpp"

// Its header is installed where it was built; programs that use it link procession::hdf5.
#if __has_include("procession/hdf5.hpp")
#include "procession/hdf5.hpp"
#endif

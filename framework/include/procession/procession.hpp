#pragma once

// All of Procession that was built.

#include "procession/application.hpp"
#include "procession/container.hpp"
#include "procession/error.hpp"
#include "procession/fork_process.hpp"
#include "procession/portable.hpp"
#include "procession/process.hpp"
#include "procession/process_interface.hpp"
#include "procession/process_manager.hpp"
#include "procession/process_pool.hpp"
#include "procession/process_service_provider.hpp"
#include "procession/process_status.hpp"
#include "procession/serializable.hpp"
#include "procession/worker_interface.hpp"

#ifdef PROCESSION_HAS_HDF5  // set by linking procession::hdf5
#include "procession/hdf5.hpp"
#endif

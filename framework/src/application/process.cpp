#include "procession/process.hpp"

#include "backend/backend_choice.hpp"
#include "system/cores.hpp"

namespace procession {

bool Process::isSupported() { return detail::isForkSupported(); }

int Process::getCpuCores() { return detail::availableCores(); }

}  // namespace procession

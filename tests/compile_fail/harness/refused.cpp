#include <procession/error.hpp>

#ifndef PROCESSION_CORRECT
static_assert(sizeof(procession::Error) == 0, "as one would read it");
#endif

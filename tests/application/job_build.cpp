#include "job.hpp"

const char* buildName() { return "build " PROCESSION_TEST_BUILD; }

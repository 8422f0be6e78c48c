#include <procession/no_such_header.hpp>

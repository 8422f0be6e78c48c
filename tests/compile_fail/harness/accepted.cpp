#include <procession/error.hpp>

// Loaded by tests, after the table of loaded objects was taken.
#include <stdexcept>

extern "C" int triple(int number) { return 3 * number; }
extern "C" void throwInLibrary() { throw std::runtime_error("from the library"); }

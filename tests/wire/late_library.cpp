// Loaded by a test after the table of loaded objects was taken.
extern "C" int triple(int number) { return 3 * number; }

#include <procession/error.hpp>
#include <procession/hdf5.hpp>

#include <iostream>
#include <string>

int main() {
  try {
    procession::hdf5::Dataset<double> heights("no-such-file.h5", "/heights");
  } catch (const procession::Hdf5Error& error) {
    std::cout << error.what() << '\n';
    return std::string(error.what()).find("no-such-file.h5") != std::string::npos ? 0 : 1;
  }
  return 1;
}

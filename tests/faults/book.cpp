#include "faults/book.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <system_error>

#include "system/file_descriptor.hpp"

namespace procession::test {

Book::Book(const std::string& folder) : folder_(folder) {
  const detail::FileDescriptor file(
      open((folder + "/book").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file || ftruncate(file.get(), sizeof(Pages)) != 0) {
    throw std::system_error(errno, std::generic_category(), "the book in " + folder);
  }
  void* const memory =
      mmap(nullptr, sizeof(Pages), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "mapping the book in " + folder);
  }
  pages_ = static_cast<Pages*>(memory);
}

Book::~Book() { munmap(pages_, sizeof(Pages)); }

Book& Book::in(const std::string& folder) {
  static auto* const books = new std::map<std::string, std::unique_ptr<Book>>;
  std::unique_ptr<Book>& book = (*books)[folder];
  if (book == nullptr) {
    book = std::make_unique<Book>(folder);
  }
  return *book;
}

std::uint32_t Book::takeLines(std::uint32_t count) {
  const std::uint32_t first = nextLine_;
  for (std::uint32_t line = first; line != first + count; ++line) {
    calls(line) = 0;
  }
  nextLine_ += count;
  return first;
}

}  // namespace procession::test

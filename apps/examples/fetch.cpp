// fetch URL...: gets pages from servers, many at a time. Each has its outcome in the order of the
// URLs: a slow, failing or hanging server costs nobody else their page.

#include <curl/curl.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

constexpr long kPatience = 3;  // seconds a page

struct Page {
  long status = 0;  // of HTTP
  std::string content;
  std::string error;  // empty when the page is there

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    ((archive & status) & content) & error;
  }
};

std::size_t append(const char* bytes, std::size_t, std::size_t count, void* content) {
  static_cast<std::string*>(content)->append(bytes, count);
  return count;
}

Page fetch(const std::string& url) {
  const std::unique_ptr<CURL, void (*)(CURL*)> request(curl_easy_init(), curl_easy_cleanup);
  Page page;
  curl_easy_setopt(request.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(request.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(request.get(), CURLOPT_TIMEOUT, kPatience);
  curl_easy_setopt(request.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(request.get(), CURLOPT_WRITEDATA, &page.content);
  const CURLcode result = curl_easy_perform(request.get());
  curl_easy_getinfo(request.get(), CURLINFO_RESPONSE_CODE, &page.status);
  if (result != CURLE_OK) {
    page.error = curl_easy_strerror(result);
  } else if (page.status >= 400) {
    page.error = "refused with status " + std::to_string(page.status);
  }
  return page;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [&] {
    const std::vector<std::string> urls(argv + 1, argv + argc);
    // Workers wait for servers most of the time: many more of them than cores. One at a time each,
    // so that nobody waits behind a slow server.
    ProcessPool pool({.workerCount = 8 * Process::getCpuCores(), .chunkSize = 1});

    const auto pages = pool.map(urls, fetch);

    for (std::size_t i = 0; i < urls.size(); ++i) {
      const Page& page = pages[i];
      std::cout << urls[i] << ": "
                << (page.error.empty() ? std::to_string(page.content.size()) + " bytes"
                                       : page.error)
                << "\n";
    }
  });
}

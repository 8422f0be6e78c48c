#include "procession/container.hpp"

#include <algorithm>
#include <stdexcept>

#include "procession/detail/wire/exception_chain.hpp"

namespace procession {

Container::Making::Making(Container& container, const std::string& name) : container_(container) {
  std::vector<std::string>& making = container.making_;
  if (std::find(making.begin(), making.end(), name) != making.end()) {
    std::string circle;
    for (const std::string& outer : making) {
      circle += "'" + outer + "' needs ";
    }
    throw std::logic_error("services in a circle: " + circle + "'" + name + "'");
  }
  making.push_back(name);
}

bool Container::has(const std::string& name) const { return bindings_.count(name) != 0; }

std::vector<std::string> Container::getNames() const {
  std::vector<std::string> names;
  names.reserve(bindings_.size());
  for (const auto& [name, binding] : bindings_) {
    names.push_back(name);
  }
  return names;
}

void Container::put(std::string name, std::shared_ptr<detail::Binding> binding) {
  if (name.empty()) {
    throw std::invalid_argument("a service needs a name");
  }
  bindings_[std::move(name)] = std::move(binding);
}

std::shared_ptr<detail::Binding> Container::find(const std::string& name) const {
  const auto found = bindings_.find(name);
  if (found == bindings_.end()) {
    throw std::out_of_range("no service is named '" + name + "'" + describeNames());
  }
  return found->second;
}

void Container::throwWrongType(const std::string& name, const std::type_info& wanted) const {
  throw std::invalid_argument("service '" + name + "' is of type " +
                              detail::demangle(bindings_.at(name)->type()) + ", not " +
                              detail::demangle(wanted) + describeNames());
}

std::string Container::describeNames() const {
  if (bindings_.empty()) {
    return "; the container is empty";
  }
  std::string list;
  for (const auto& [name, binding] : bindings_) {
    list += (list.empty() ? "; there are: " : ", ") + name + " (" +
            detail::demangle(binding->type()) + ")";
  }
  return list;
}

}  // namespace procession

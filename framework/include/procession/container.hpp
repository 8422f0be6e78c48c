#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace procession {

class Container;

namespace detail {

/// How a service is made; what is known of it without its type.
class Binding {
 public:
  Binding() = default;
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;
  virtual ~Binding() = default;
  [[nodiscard]] virtual const std::type_info& type() const = 0;
};

template <class Service>
class TypedBinding : public Binding {
 public:
  [[nodiscard]] const std::type_info& type() const final { return typeid(Service); }
  virtual Service make(Container& container) = 0;
};

template <class Factory>
decltype(auto) callFactory(Factory& factory, Container& container) {
  if constexpr (std::invocable<Factory&, Container&>) {
    return std::invoke(factory, container);
  } else {
    return std::invoke(factory);
  }
}
template <class Factory>
using FactoryResult = decltype(callFactory(std::declval<Factory&>(), std::declval<Container&>()));

template <class Service>
struct SharedService {
  using Type = std::shared_ptr<Service>;
};
template <class Service>
struct SharedService<std::shared_ptr<Service>> {
  using Type = std::shared_ptr<Service>;
};

template <class Factory>
class FactoryBinding final : public TypedBinding<FactoryResult<Factory>> {
 public:
  explicit FactoryBinding(Factory factory) : factory_(std::move(factory)) {}
  FactoryResult<Factory> make(Container& container) override {
    return callFactory(factory_, container);
  }

 private:
  Factory factory_;
};

template <class Factory>
class SingletonBinding final
    : public TypedBinding<typename SharedService<FactoryResult<Factory>>::Type> {
 public:
  using Shared = typename SharedService<FactoryResult<Factory>>::Type;
  using Service = typename Shared::element_type;

  explicit SingletonBinding(Factory factory) : factory_(std::move(factory)) {}
  Shared make(Container& container) override {
    if (service_ == nullptr) {
      if constexpr (std::is_same_v<FactoryResult<Factory>, Shared>) {
        service_ = callFactory(factory_, container);
      } else {
        service_ = Shared(new Service(callFactory(factory_, container)));
      }
    }
    return service_;
  }

 private:
  Factory factory_;
  Shared service_;  // empty until first asked for
};

}  // namespace detail

/// What can be called to make a service: with the container, for services that need others, or with
/// nothing.
template <class Factory>
concept ServiceFactory =
    (std::invocable<Factory&, Container&> ||
     std::invocable<Factory&>)&&std::is_object_v<detail::FactoryResult<Factory>>;

/// Makes services by name, so that a program says in one place which ones it uses.
///
///     Container container;
///     container.bind("pool", [] { return ProcessPool(2); });
///     container.singleton("settings", [] { return Settings("run.ini"); });
///     auto pool = container.make<ProcessPool>("pool");  // a new one each time
///     // The same one each time:
///     auto settings = container.make<std::shared_ptr<Settings>>("settings");
///
/// The type asked for is exactly the one that the factory returns; nothing is converted. Services
/// may be move-only. Thread safety: one thread at a time.
class Container {
 public:
  Container() = default;

  /// Every make() calls `factory` anew and returns what it returns. Binding a name again replaces
  /// what it stood for.
  template <ServiceFactory Factory>
  void bind(std::string name, Factory factory) {
    put(std::move(name), std::make_unique<detail::FactoryBinding<Factory>>(std::move(factory)));
  }

  /// The first make() calls `factory`; all return a `std::shared_ptr` to that one service, which
  /// lives as long as the container or its last user. A factory may return a `std::shared_ptr`
  /// itself, to one of a class's descendants, say.
  template <ServiceFactory Factory>
  void singleton(std::string name, Factory factory) {
    put(std::move(name), std::make_unique<detail::SingletonBinding<Factory>>(std::move(factory)));
  }

  /// The service of that name.
  ///
  /// Throws std::out_of_range for an unknown name, std::invalid_argument for another type than the
  /// name stands for, both with what there is; std::logic_error for services that need each other
  /// in a circle; and whatever the factory throws.
  template <class Service>
  [[nodiscard]] Service make(const std::string& name) {
    const std::shared_ptr<detail::Binding> binding = find(name);
    auto* typed = dynamic_cast<detail::TypedBinding<Service>*>(binding.get());
    if (typed == nullptr) {
      throwWrongType(name, typeid(Service));
    }
    const Making making(*this, name);
    return typed->make(*this);
  }

  [[nodiscard]] bool has(const std::string& name) const;
  /// The names that make() knows, in alphabetical order.
  [[nodiscard]] std::vector<std::string> getNames() const;

 private:
  /// Notes for its lifetime that a service is being made, and refuses the second time in a row of
  /// makings.
  class Making {
   public:
    Making(Container& container, const std::string& name);
    Making(const Making&) = delete;
    Making& operator=(const Making&) = delete;
    ~Making() { container_.making_.pop_back(); }

   private:
    Container& container_;
  };

  void put(std::string name, std::shared_ptr<detail::Binding> binding);
  [[nodiscard]] std::shared_ptr<detail::Binding> find(const std::string& name) const;
  [[noreturn]] void throwWrongType(const std::string& name, const std::type_info& wanted) const;
  /// "; there are: process.manager, process.pool"
  [[nodiscard]] std::string describeNames() const;

  std::map<std::string, std::shared_ptr<detail::Binding>> bindings_;
  std::vector<std::string> making_;  // what is being made just now, outermost first
};

/// Registers related services in a container.
///
///     struct ReportServices : ServiceProvider {
///       void registerServices(Container& container) override {
///         container.bind("report", [] { return Report(); });
///       }
///     };
class ServiceProvider {
 public:
  virtual ~ServiceProvider() = default;
  virtual void registerServices(Container& container) = 0;
};

}  // namespace procession

#pragma once

namespace procession::detail {

/// True while the body of Application::run runs.
bool isApplicationRunning();

}  // namespace procession::detail
